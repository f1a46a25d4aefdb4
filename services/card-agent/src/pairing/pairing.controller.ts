import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { originOf } from '../door.js';
import { languageOf, say, type Text } from '../page/language.js';
import { escape, facts, layout, note, PAGE_CSP } from '../page/layout.js';
import { pageAnswer, pageParams, pairingCode, pairingToken } from '../schemas.js';
import { IDLE_SECONDS, Pairing } from './pairing.js';

const TITLE: Text = ['網站配對', 'Pair with a site'];
const EXPLAIN: Text = [
  '下列網站要求使用此電腦的讀卡機。若是您本人操作，請在該網站輸入此配對碼；否則請關閉此頁。',
  'This site asks to use the card reader of this computer. If it was you, type this code there; otherwise close this page.',
];
const GONE: Text = [
  '此配對碼已失效，請回到原網頁重新操作。',
  'This code is no longer good. Go back to the page you came from and start again.',
];
const SITE: Text = ['網站', 'Site'];

/** A page on the list becomes one that the person at the reader has let in. */
@Controller()
export class PairingController {
  constructor(private readonly pairing: Pairing) {}

  @Post('v1/pairings')
  @Endpoint({
    allow: 'anyone',
    summary: 'Begins a pairing: open `url` as a window, its code is typed into your page',
    returns: pageAnswer,
    status: 201,
  })
  begin(@Req() request: Request) {
    const id = this.pairing.begin(originOf(request));
    return { id, url: `http://${request.headers.host}/pairing/${id}` };
  }

  @Post('v1/pairings/:id/token')
  @Endpoint({
    allow: 'anyone',
    summary: 'The code for a token, sent as `Authorization: Bearer` from then on',
    params: pageParams,
    body: pairingCode,
    returns: pairingToken,
    status: 201,
    errors: ['pairingRefused', 'tooManyAttempts'],
  })
  confirm(
    @Param() { id }: z.output<typeof pageParams>,
    @Body() { code }: z.output<typeof pairingCode>,
    @Req() request: Request,
  ) {
    return { token: this.pairing.confirm(id, originOf(request), code), idleSeconds: IDLE_SECONDS };
  }

  @Get('pairing/:id')
  @Endpoint({ allow: 'anyone', summary: 'The page that shows the code', returns: { mediaType: 'text/html' } })
  show(@Param('id') id: string, @Req() request: Request, @Res() response: Response): void {
    const language = languageOf(request);
    const shown = this.pairing.shown(id);
    const body = shown
      ? [
          `<p>${escape(say(EXPLAIN, language))}</p>`,
          facts([[say(SITE, language), shown.origin]]),
          `<p class="code">${escape(shown.code)}</p>`,
        ].join('\n')
      : note(say(GONE, language));
    const html = layout({ title: TITLE, language, self: shown ? `/pairing/${id}` : '/pairing/gone', body });
    response
      .status(shown ? 200 : 404)
      .setHeader('Content-Security-Policy', PAGE_CSP)
      .type('html')
      .send(html);
  }
}
