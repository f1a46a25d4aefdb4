import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { type Caller, Endpoint, ROLES } from '#libs/doors';
import { type BuiltFile, BuiltPages } from './built-pages.js';
import { packageRoot } from './package-root.js';
import { PAGES } from './page-paths.js';
import type { Site } from './portal.config.js';

export const PORTAL_CONFIG = Symbol('portal config');

const HTML = { mediaType: 'text/html' };
const pageQuery = z.object({ lang: z.enum(['zh-TW', 'en']).optional() });

/** Nothing inline, nothing from elsewhere; beside the own origin the pages reach one other alone. */
const policy = (connect: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${connect}`.trim(),
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

/** The pages: one document for every path of the subscribers, one for the officers, and the files they load. */
@Controller()
export class PagesController {
  readonly #pages = new BuiltPages();
  readonly #icon = readFileSync(join(packageRoot(), 'services/portal/assets/favicon.svg'));
  /** Of the subscribers' pages, which reach the card agent. */
  readonly #policy: string;
  /** Of the console, which reaches the identity provider, and the centre’s own card agent. */
  readonly #consolePolicy: string;

  constructor(@Inject(PORTAL_CONFIG) private readonly config: Site) {
    this.#policy = policy(config.agentUrl);
    this.#consolePolicy = policy(
      `${config.login ? new URL(config.login.issuer).origin : ''} ${config.agentUrl}`.trim(),
    );
  }

  @Get(Object.values(PAGES))
  @Endpoint({ allow: 'anyone', summary: 'A page for subscribers', query: pageQuery, returns: HTML })
  page(@Req() request: Request, @Res() response: Response): void {
    this.sendPage(response, this.#pages.page('index.html', request.headers['accept-encoding']), this.#policy);
  }

  @Get('console')
  @Endpoint({ allow: 'anyone', summary: 'The officers’ console', returns: HTML })
  console(@Req() request: Request, @Res() response: Response): void {
    this.sendPage(response, this.#pages.page('console.html', request.headers['accept-encoding']), this.#consolePolicy);
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
    summary: 'What the pages show of this site: hotlines, where the card agent is and where officers sign in',
    returns: z.object({
      hotlines: z.array(z.object({ where: z.string(), number: z.string() })),
      agentUrl: z.string(),
      login: z.object({ issuer: z.string(), clientId: z.string(), scope: z.string() }).nullable(),
    }),
  })
  site(): Site {
    return this.config;
  }

  @Get('api/v1/caller')
  @Header('cache-control', 'no-store')
  @Endpoint({
    allow: ROLES.filter((role) => role !== 'service'),
    summary: 'Who the caller is, by the token: what the console shows and offers',
    returns: z.object({ subject: z.string(), roles: z.array(z.enum(ROLES)) }),
  })
  caller(@Req() request: Request): Caller {
    return request.caller!;
  }

  @Get('favicon.svg')
  @Endpoint({ allow: 'anyone', summary: 'Icon of the pages', returns: { mediaType: 'image/svg+xml' } })
  favicon(@Res() response: Response): void {
    response.type('image/svg+xml').setHeader('cache-control', 'max-age=86400').send(this.#icon);
  }

  private sendPage(response: Response, file: BuiltFile, contentPolicy: string): void {
    response.setHeader('content-security-policy', contentPolicy);
    response.setHeader('cache-control', 'no-cache');
    send(response, file);
  }
}

function send(response: Response, { body, type, encoding }: BuiltFile): void {
  response.vary('Accept-Encoding').setHeader('content-type', type);
  if (encoding) response.setHeader('content-encoding', encoding);
  response.send(body);
}
