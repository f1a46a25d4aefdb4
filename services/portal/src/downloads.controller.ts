import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { Downloads } from './downloads.js';

const file = z.object({ name: z.string(), bytes: z.number().int(), sha256: z.string() });

/** 下載專區: the card agent and whatever else this centre gives to subscribers as a file. */
@Controller()
export class DownloadsController {
  constructor(private readonly downloads: Downloads) {}

  @Get('api/v1/downloads')
  @Header('cache-control', 'no-cache')
  @Endpoint({
    allow: 'anyone',
    summary: 'The files below /downloads, the card agent among them, with their SHA-256; none where no folder is set',
    returns: z.object({ items: z.array(file) }),
  })
  async list() {
    return { items: await this.downloads.list() };
  }

  @Get('downloads/:file')
  @Endpoint({
    allow: 'anyone',
    summary: 'One of these files',
    params: z.object({ file: z.string() }),
    returns: { mediaType: 'application/octet-stream' },
    errors: ['notFound'],
  })
  async file(@Param('file') name: string, @Res() response: Response): Promise<void> {
    const path = await this.downloads.pathOf(name);
    response.setHeader('content-type', 'application/octet-stream');
    response.setHeader('content-disposition', `attachment; filename="${name}"`);
    response.setHeader('cache-control', 'no-cache');
    response.sendFile(path, { dotfiles: 'allow', cacheControl: false });
  }
}
