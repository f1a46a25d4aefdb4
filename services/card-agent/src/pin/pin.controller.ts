import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError, ERRORS } from '#libs/errors';
import { hintKey } from '../page/hints.js';
import { languageOf } from '../page/language.js';
import { PAGE_CSP } from '../page/layout.js';
import { pinPage } from './pin-page.js';
import type { PinSession } from './pin-session.js';
import { PinService } from './pin.service.js';
import type { Deadline } from '../readers/in-time.js';

const pin = z.string().max(64).default('');
const typed = z.object({ oldPin: pin, newPin: pin, confirmPin: pin });
const HTML = { mediaType: 'text/html' };

/** The agent's own page for the PIN, for the holder's eyes and hands only. Answers are pages, errors too. */
@Controller('pin')
export class PinController {
  constructor(private readonly pins: PinService) {}

  @Get(':id')
  @Endpoint({ allow: 'anyone', summary: 'The page on which the holder types a PIN', returns: HTML })
  async show(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    try {
      await this.render({ request, response, deadline: this.pins.deadline() }, 200, this.pins.find(id));
    } catch (error) {
      gone(request, response, error);
    }
  }

  @Post(':id')
  @Endpoint({
    allow: 'anyone',
    summary: 'The form of that page, urlencoded: oldPin, newPin, confirmPin, by the kind of page',
    returns: HTML,
  })
  async submit(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const form = typed.safeParse(request.body ?? {});
    const { oldPin, newPin, confirmPin } = form.success ? form.data : typed.parse({});
    const deadline = this.pins.deadline();
    const asked = { request, response, deadline };
    try {
      const pins = { oldPin: halfWidth(oldPin), newPin: halfWidth(newPin), confirmPin: halfWidth(confirmPin) };
      await this.render(asked, 200, await this.pins.submit(id, pins, deadline));
    } catch (error) {
      if (!(error instanceof CaError)) throw error;
      if (error.code === 'notFound') return gone(request, response, error);
      await this.render(asked, ERRORS[error.code].status, this.pins.find(id), hintKey(error));
    }
  }

  private async render(
    { request, response, deadline }: { request: Request; response: Response; deadline: Deadline },
    status: number,
    session: PinSession,
    problem?: string,
  ): Promise<void> {
    const { kind, state, progress, reading, origin, lastOnline } = session;
    const open = state === 'waiting' || state === 'removed';
    const seen = open ? await this.pins.look(session, deadline) : { pinTries: progress.pinTries };
    const { cardNumber, name } = reading.facts;
    const page = { kind, state, language: languageOf(request), self: pathOf(session), cardNumber, name, ...seen };
    const site = kind === 'sign' ? origin : undefined;
    send(response, status, pinPage({ ...page, site, lastOnline, maybeChanged: progress.maybeChanged, problem }));
  }
}

const pathOf = ({ id }: PinSession) => `/pin/${id}`;

function gone(request: Request, response: Response, error: unknown): void {
  if (!(error instanceof CaError) || error.code !== 'notFound') throw error;
  send(response, 404, pinPage({ kind: 'set-pin', state: 'expired', language: languageOf(request), self: '/pin/gone' }));
}

function send(response: Response, status: number, html: string): void {
  response.status(status).setHeader('Content-Security-Policy', PAGE_CSP).type('html').send(html);
}

/** Full-width letters, digits and symbols as an input method types them (U+FF01–FF5E). */
const halfWidth = (text: string) =>
  text.replace(/[\uff01-\uff5e]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0));
