import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import type { ErrorCode } from '#libs/errors';
import { CardService } from './card.service.js';
import { SelfCheck } from './checks/self-check.js';
import { originOf } from './door.js';
import { stateHint } from './page/hints.js';
import { Pairing } from './pairing/pairing.js';
import { PinService } from './pin/pin.service.js';
import { UnlockService } from './unlock.service.js';
import * as shapes from './schemas.js';

const ABOUT_THE_CARD: ErrorCode[] = [
  'noReader',
  'noCard',
  'severalCards',
  'unknownCardKind',
  'readerBusy',
  'cardRemoved',
  'cardCommunication',
];

/** What a page on the list may ask for: whole operations, never an APDU, and no PIN is a parameter of any of them. */
@Controller('v1')
export class AgentController {
  constructor(
    private readonly cards: CardService,
    private readonly pins: PinService,
    private readonly unlocks: UnlockService,
    private readonly checks: SelfCheck,
    private readonly pairing: Pairing,
  ) {}

  @Get('status')
  @Endpoint({
    allow: 'anyone',
    summary: 'The agent’s version, and what state readers and cards are in',
    query: shapes.statusQuery,
    returns: shapes.statusSchema,
  })
  async status(@Query() { minimumVersion }: z.output<typeof shapes.statusQuery>, @Req() request: Request) {
    const paired = this.pairing.isPaired(originOf(request), request.headers.authorization);
    const status = await this.cards.status({ minimumVersion, paired });
    return { ...status, hint: stateHint(status.state) };
  }

  @Post('card')
  @Endpoint({
    allow: 'anyone',
    summary: 'Reads the card (讀取卡片資料), using no PIN and no try',
    body: shapes.whichReader,
    returns: shapes.cardSchema,
    status: 200,
    errors: ABOUT_THE_CARD,
  })
  read(@Body() { reader }: z.output<typeof shapes.whichReader>) {
    return this.cards.read(reader);
  }

  @Post('proofs')
  @Endpoint({
    allow: 'anyone',
    summary: 'The card signs, with its 9E key, that it is present for this session of this origin',
    body: shapes.proofRequest,
    returns: shapes.proofAnswer,
    status: 200,
    errors: [...ABOUT_THE_CARD, 'cardBlocked', 'otherCard'],
  })
  prove(@Body() order: z.output<typeof shapes.proofRequest>, @Req() request: Request) {
    return this.cards.prove({ ...order, origin: originOf(request) });
  }

  @Post('pin-sessions')
  @Endpoint({
    allow: 'anyone',
    summary: 'Opens the agent’s own page for the new PIN, by the centre’s job (set-pin, reset-pin) for this session',
    body: shapes.jobRequest,
    returns: shapes.pageAnswer,
    status: 201,
    errors: ['sessionExpired', 'jobRefused'],
  })
  async openPinSession(@Body() order: z.output<typeof shapes.jobRequest>, @Req() request: Request) {
    return pageAt(request, await this.pins.openForJob({ ...order, origin: originOf(request) }));
  }

  @Post('pin-changes')
  @Endpoint({
    allow: 'anyone',
    summary: 'Opens the agent’s own page on which the holder changes a known PIN (變更 PIN 碼)',
    body: shapes.whichReader,
    returns: shapes.pageAnswer,
    status: 201,
    errors: ABOUT_THE_CARD,
  })
  async openPinChange(@Body() { reader }: z.output<typeof shapes.whichReader>, @Req() request: Request) {
    return pageAt(request, await this.pins.openChange(originOf(request), reader));
  }

  @Post('signatures')
  @Endpoint({
    allow: 'anyone',
    summary:
      'Opens the agent’s own page on which the holder signs `kaika/agent-signature/v1`, your origin and your nonce',
    body: shapes.signatureRequest,
    returns: shapes.pageAnswer,
    status: 201,
    errors: ABOUT_THE_CARD,
  })
  async openSignature(@Body() { nonce, reader }: z.output<typeof shapes.signatureRequest>, @Req() request: Request) {
    return pageAt(request, await this.pins.openSignature(originOf(request), nonce, reader));
  }

  @Post('pin-checks')
  @Endpoint({
    allow: 'anyone',
    summary: 'Opens the agent’s own page for items 9 and 10 of the self-check, which need the PIN',
    body: shapes.whichReader,
    returns: shapes.pageAnswer,
    status: 201,
    errors: ABOUT_THE_CARD,
  })
  async openPinCheck(@Body() { reader }: z.output<typeof shapes.whichReader>, @Req() request: Request) {
    return pageAt(request, await this.pins.openCheck(originOf(request), reader));
  }

  @Get('pin-sessions/:id')
  @Endpoint({
    allow: 'anyone',
    summary: 'How far one of these pages is, and the 9C signature once it is done',
    params: shapes.pageParams,
    returns: shapes.pinSessionState,
    errors: ['notFound'],
  })
  pinSession(@Param() { id }: z.output<typeof shapes.pageParams>, @Req() request: Request) {
    const { kind, state, progress, reading } = this.pins.find(id, originOf(request));
    const { signature, pinTries } = progress;
    return {
      ...{ kind, state, pinTries },
      ...(signature && { signature: signature.toString('base64url') }),
      ...(signature && kind === 'sign' && { certificate: reading.signatureCertificate.toString('base64url') }),
      ...(state === 'locked' && kind === 'set-pin' && { legacyCode: '27011' }),
    };
  }

  @Post('unlocks')
  @Endpoint({
    allow: 'anyone',
    summary: 'Does the centre’s job of kind unlock (解卡): next transport PIN, next PUK, signed by 9E',
    body: shapes.jobRequest,
    returns: shapes.unlockAnswer,
    status: 200,
    errors: [...ABOUT_THE_CARD, 'sessionExpired', 'jobRefused', 'otherCard'],
  })
  async unlock(@Body() order: z.output<typeof shapes.jobRequest>, @Req() request: Request) {
    const { state, signature } = await this.unlocks.unlock({ ...order, origin: originOf(request) });
    return { state, ...(signature && { signature: signature.toString('base64url') }) };
  }

  @Post('self-checks')
  @Endpoint({
    allow: 'anyone',
    summary: 'The ten items of the self-check; 9 and 10 are on the agent’s own page, as they need the PIN',
    body: shapes.whichReader,
    returns: shapes.selfCheckAnswer,
    status: 200,
  })
  async selfCheck(@Body() { reader }: z.output<typeof shapes.whichReader>) {
    return { items: await this.checks.run(reader) };
  }
}

const pageAt = (request: Request, id: string) => ({ id, url: `http://${request.headers.host}/pin/${id}` });
