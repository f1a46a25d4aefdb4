import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, Inject, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import type { PortalConfig } from './portal.config.js';
import { homePage, LANGUAGES, type Language } from './home-page.js';
import { packageRoot } from './package-root.js';

export const PORTAL_CONFIG = Symbol('portal config');

const CSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"; // prettier-ignore
const asset = (name: string) => readFileSync(join(packageRoot(), 'services/portal/assets', name));

@Controller()
export class PortalController {
  private readonly css = asset('portal.css');
  private readonly script = asset('portal.js');
  private readonly icon = asset('favicon.svg');

  constructor(@Inject(PORTAL_CONFIG) private readonly config: PortalConfig) {}

  @Get('/')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', CSP)
  @Header('cache-control', 'no-cache')
  @Endpoint({
    allow: 'anyone',
    summary: 'The home page: what runs, the next list, links',
    query: z.object({ lang: z.enum(LANGUAGES).optional() }),
    returns: { mediaType: 'text/html' },
  })
  home(@Query() query: { lang?: Language }): string {
    return homePage(query.lang ?? 'zh-TW', this.config);
  }

  @Get('api/v1/site')
  @Endpoint({
    allow: 'anyone',
    summary: 'What the pages show of this site: hotlines',
    returns: z.object({ hotlines: z.array(z.object({ where: z.string(), number: z.string() })) }),
  })
  site(): PortalConfig {
    return this.config;
  }

  @Get('assets/portal.css')
  @Endpoint({ allow: 'anyone', summary: 'Style of the pages', returns: { mediaType: 'text/css' } })
  styleSheet(@Res() response: Response): void {
    response.type('text/css').setHeader('cache-control', 'no-cache').send(this.css);
  }

  @Get('assets/portal.js')
  @Endpoint({ allow: 'anyone', summary: 'Script of the pages', returns: { mediaType: 'text/javascript' } })
  javascript(@Res() response: Response): void {
    response.type('text/javascript').setHeader('cache-control', 'no-cache').send(this.script);
  }

  @Get('favicon.svg')
  @Endpoint({ allow: 'anyone', summary: 'Icon of the pages', returns: { mediaType: 'image/svg+xml' } })
  favicon(@Res() response: Response): void {
    response.type('image/svg+xml').setHeader('cache-control', 'max-age=86400').send(this.icon);
  }
}
