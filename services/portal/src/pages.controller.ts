import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { type BuiltFile, BuiltPages } from './built-pages.js';
import { packageRoot } from './package-root.js';
import { PAGES } from './page-paths.js';
import type { PortalConfig } from './portal.config.js';

export const PORTAL_CONFIG = Symbol('portal config');

const HTML = { mediaType: 'text/html' };
const pageQuery = z.object({ lang: z.enum(['zh-TW', 'en']).optional() });

/** Nothing inline, nothing from elsewhere; beside the own origin the pages reach the card agent alone. */
const policy = (agentUrl: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${agentUrl}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

/** The pages: one document for every path of the subscribers, one for the officers, and the files they load. */
@Controller()
export class PagesController {
  readonly #pages = new BuiltPages();
  readonly #icon = readFileSync(join(packageRoot(), 'services/portal/assets/favicon.svg'));
  readonly #policy: string;

  constructor(@Inject(PORTAL_CONFIG) private readonly config: PortalConfig) {
    this.#policy = policy(config.agentUrl);
  }

  @Get(Object.values(PAGES))
  @Endpoint({ allow: 'anyone', summary: 'A page for subscribers', query: pageQuery, returns: HTML })
  page(@Req() request: Request, @Res() response: Response): void {
    this.sendPage(response, this.#pages.page('index.html', request.headers['accept-encoding']));
  }

  @Get('console')
  @Endpoint({ allow: 'anyone', summary: 'The officers’ console', returns: HTML })
  console(@Req() request: Request, @Res() response: Response): void {
    this.sendPage(response, this.#pages.page('console.html', request.headers['accept-encoding']));
  }

  @Get('console/*page')
  @ApiExtension('x-kaika-rest', true)
  @Endpoint({ allow: 'anyone', summary: 'A page of the console', returns: HTML })
  consolePage(@Req() request: Request, @Res() response: Response): void {
    this.console(request, response);
  }

  @Get('assets/:file')
  @Endpoint({
    allow: 'anyone',
    summary: 'Scripts and styles of the pages; a name stands for its contents',
    params: z.object({ file: z.string() }),
    returns: { mediaType: 'text/javascript' },
  })
  asset(@Param('file') name: string, @Req() request: Request, @Res() response: Response): void {
    const file = this.#pages.asset(name, request.headers['accept-encoding']);
    response.setHeader('cache-control', 'public, max-age=31536000, immutable');
    send(response, file);
  }

  @Get('api/v1/site')
  @Header('cache-control', 'no-cache')
  @Endpoint({
    allow: 'anyone',
    summary: 'What the pages show of this site: hotlines, and where the card agent is',
    returns: z.object({
      hotlines: z.array(z.object({ where: z.string(), number: z.string() })),
      agentUrl: z.string(),
    }),
  })
  site(): PortalConfig {
    return this.config;
  }

  @Get('favicon.svg')
  @Endpoint({ allow: 'anyone', summary: 'Icon of the pages', returns: { mediaType: 'image/svg+xml' } })
  favicon(@Res() response: Response): void {
    response.type('image/svg+xml').setHeader('cache-control', 'max-age=86400').send(this.#icon);
  }

  private sendPage(response: Response, file: BuiltFile): void {
    response.setHeader('content-security-policy', this.#policy);
    response.setHeader('cache-control', 'no-cache');
    send(response, file);
  }
}

function send(response: Response, { body, type, encoding }: BuiltFile): void {
  response.vary('Accept-Encoding').setHeader('content-type', type);
  if (encoding) response.setHeader('content-encoding', encoding);
  response.send(body);
}
