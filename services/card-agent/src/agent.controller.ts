import { Body, Controller, Get, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CardService } from './card.service.js';
import { PinService } from './pin.service.js';
import {
  cardSchema,
  pinSessionAnswer,
  pinSessionParams,
  pinSessionRequest,
  pinSessionState,
  proofAnswer,
  proofRequest,
  statusSchema,
} from './schemas.js';

/** What a page on the list may ask for: whole operations, never an APDU, and no PIN is a parameter of any of them. */
@Controller('v1')
export class AgentController {
  constructor(
    private readonly cards: CardService,
    private readonly pins: PinService,
  ) {}

  @Get('status')
  @Endpoint({
    allow: 'anyone',
    summary: 'The agent’s version and what state reader and card are in',
    returns: statusSchema,
  })
  status() {
    return this.cards.status();
  }

  @Post('card')
  @Endpoint({
    allow: 'anyone',
    summary: 'Reads the card (讀取卡片資料), using no PIN and no try',
    returns: cardSchema,
    status: 200,
    errors: ['noReader', 'noCard', 'unknownCardKind', 'readerBusy', 'cardRemoved', 'cardCommunication'],
  })
  read() {
    return this.cards.read();
  }

  @Post('proofs')
  @Endpoint({
    allow: 'anyone',
    summary: 'The card signs, with its 9E key, that it is present for this session of this origin',
    body: proofRequest,
    returns: proofAnswer,
    status: 200,
    errors: ['noReader', 'noCard', 'unknownCardKind', 'cardBlocked', 'readerBusy', 'cardRemoved', 'cardCommunication'],
  })
  prove(@Body() { session, nonce, purpose }: z.output<typeof proofRequest>, @Req() request: Request) {
    return this.cards.prove(session, nonce, purpose, originOf(request));
  }

  @Post('pin-sessions')
  @Endpoint({
    allow: 'anyone',
    summary: 'Opens the agent’s own page for the new PIN, by the centre’s job for this session',
    body: pinSessionRequest,
    returns: pinSessionAnswer,
    status: 201,
    errors: ['sessionExpired', 'jobRefused'],
  })
  async openPinSession(@Body() { session, nonce, job }: z.output<typeof pinSessionRequest>, @Req() request: Request) {
    const id = await this.pins.open(session, job, nonce, originOf(request));
    return { id, url: `http://${request.headers.host}/pin/${id}` };
  }

  @Get('pin-sessions/:id')
  @Endpoint({
    allow: 'anyone',
    summary: 'How far the PIN page is, and the 9C signature once it is done',
    params: pinSessionParams,
    returns: pinSessionState,
    errors: ['notFound'],
  })
  pinSession(@Param() { id }: z.output<typeof pinSessionParams>, @Req() request: Request) {
    const { state, signature, pinTries } = this.pins.find(id, originOf(request));
    return {
      ...{ state, pinTries },
      ...(signature && { signature: signature.toString('base64url') }),
      ...(state === 'locked' && { legacyCode: '27011' }),
    };
  }
}

/** The door has let it in: it is there, and on the list. */
const originOf = (request: Request) => request.headers.origin ?? '';
