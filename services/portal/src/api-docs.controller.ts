import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Response } from 'express';
import { absolutePath } from 'swagger-ui-dist';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import { packageRoot } from './package-root.js';

/** Swagger UI brings inline style attributes; its scripts are files. */
const DOCS_CSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"; // prettier-ignore

const DOCS_PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kaika API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></body></html>
`;
const DOCS_SCRIPT = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', deepLinking: true });\n`;

/** Of swagger-ui-dist, what the page asks for. */
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'];

/** The API of all services: the document that is kept in the repository (`npm run openapi`), and a page to read it. */
@Controller('api')
export class ApiDocsController {
  readonly #document = readFileSync(join(packageRoot(), 'docs/openapi.json'));

  @Get('openapi.json')
  @Endpoint({ allow: 'anyone', summary: 'This document', returns: { mediaType: 'application/json' } })
  document(@Res() response: Response): void {
    response.type('application/json').setHeader('cache-control', 'no-cache').send(this.#document);
  }

  @Get('docs')
  @ApiExtension('x-kaika-also', '/api/docs/')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', DOCS_CSP)
  @Header('cache-control', 'no-cache')
  @Endpoint({ allow: 'anyone', summary: 'A page to read and try this API', returns: { mediaType: 'text/html' } })
  page(): string {
    return DOCS_PAGE;
  }

  @Get('docs/:file')
  @Endpoint({
    allow: 'anyone',
    summary: 'Style and scripts of that page',
    params: z.object({ file: z.string() }),
    returns: { mediaType: 'text/javascript' },
  })
  file(@Param('file') file: string, @Res() response: Response): void {
    response.setHeader('content-security-policy', DOCS_CSP);
    if (file === 'start.js') response.type('text/javascript').send(DOCS_SCRIPT);
    else if (FILES.includes(file)) response.sendFile(file, { root: absolutePath() });
    else throw new CaError('notFound', 'no such file');
  }
}
