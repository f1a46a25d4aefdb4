import { Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError, ERRORS } from '#libs/errors';
import { PAGE_CSP, pinPage } from './pin-page.js';
import type { PinSession } from './pin-session.js';
import { PinService } from './pin.service.js';

const typed = z.object({ newPin: z.string().max(64), confirmPin: z.string().max(64) });
const HTML = { mediaType: 'text/html' };

/** The agent's own page for the PIN, for the holder's eyes and hands only. Answers are pages, errors too. */
@Controller('pin')
export class PinController {
  constructor(private readonly pins: PinService) {}

  @Get(':id')
  @Endpoint({ allow: 'anyone', summary: 'The page on which the holder sets the PIN', returns: HTML })
  async show(@Param('id') id: string, @Res() response: Response): Promise<void> {
    try {
      await this.render(response, 200, this.pins.find(id));
    } catch (error) {
      gone(response, error);
    }
  }

  @Post(':id')
  @Endpoint({ allow: 'anyone', summary: 'The form of that page, urlencoded: newPin, confirmPin', returns: HTML })
  async submit(@Param('id') id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const form = typed.safeParse(request.body);
    const pins = form.success ? form.data : { newPin: '', confirmPin: '' };
    try {
      const session = await this.pins.submit(id, halfWidth(pins.newPin), halfWidth(pins.confirmPin));
      await this.render(response, 200, session);
    } catch (error) {
      if (!(error instanceof CaError)) throw error;
      if (error.code === 'notFound') return gone(response, error);
      await this.render(response, ERRORS[error.code].status, this.pins.find(id), error.code);
    }
  }

  private async render(response: Response, status: number, session: PinSession, problem?: string): Promise<void> {
    const { state, maybeChanged, pinTries } = session;
    const open = state === 'waiting' || state === 'removed';
    const seen = open ? await this.pins.look(session) : { pinTries };
    const cardNumber = session.proof.reading.facts.cardNumber;
    send(response, status, pinPage({ cardNumber, state, maybeChanged, problem, ...seen }));
  }
}

function gone(response: Response, error: unknown): void {
  if (!(error instanceof CaError) || error.code !== 'notFound') throw error;
  send(response, 404, pinPage({ state: 'expired' }));
}

function send(response: Response, status: number, html: string): void {
  response.status(status).setHeader('Content-Security-Policy', PAGE_CSP).type('html').send(html);
}

/** Full-width letters, digits and symbols as an input method types them (U+FF01–FF5E). */
const halfWidth = (text: string) =>
  text.replace(/[\uff01-\uff5e]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0));
