import { Body, Controller, Get, Param, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { DataSource } from 'typeorm';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { viewCard } from './card-view.js';
import { PersonalisationService } from './personalisation.service.js';
import {
  cardAnswer,
  cardParams,
  dispatchedAnswer,
  dispatchRequest,
  personalisationRequest,
  personalisedAnswer,
  stockAddedAnswer,
  stockAnswer,
  stockRequest,
} from './production.schema.js';
import { StockService } from './stock.service.js';

const OPERATOR = ['ca-operator'] as const;

@Controller('api/v1')
export class ProductionController {
  constructor(
    private readonly stock: StockService,
    private readonly personalisation: PersonalisationService,
    private readonly source: DataSource,
  ) {}

  @Post('card-stock')
  @Endpoint({
    allow: OPERATOR,
    summary: 'Take blank cards into stock (virtual ones are made)',
    status: 201,
    body: stockRequest,
    returns: stockAddedAnswer,
    errors: ['noReader'],
  })
  add(@Body() { cardNumbers }: z.output<typeof stockRequest>) {
    return this.stock.add(cardNumbers);
  }

  @Get('card-stock')
  @Endpoint({ allow: OPERATOR, summary: 'How many cards are in which state', returns: stockAnswer })
  counts() {
    return this.stock.counts();
  }

  @Get('cards/:n')
  @Endpoint({
    allow: [...OPERATOR, 'ca-officer', 'auditor'],
    summary: 'What the centre knows of a card',
    params: cardParams,
    returns: cardAnswer,
    errors: ['unknownCard'],
  })
  read(@Param('n') cardNumber: string) {
    return viewCard(this.source, cardNumber);
  }

  @Post('cards/:n/personalisation')
  @Endpoint({
    allow: OPERATOR,
    summary: 'Make keys on the card, certify them, take it over; goes on where an earlier call stopped',
    status: 200,
    params: cardParams,
    body: personalisationRequest,
    returns: personalisedAnswer,
    errors: [
      ...(['unknownCard', 'conflict', 'noReader', 'readerBusy', 'cardRemoved', 'cardCommunication'] as const),
      ...(['noCard', 'notFound', 'stationUnreachable', 'wrongCardInStation', 'unknownCardKind'] as const),
      'otherCardFamily',
      ...(['managementKeyFixed', 'managementKeyRefused', 'certificateTooLarge', 'signerUnavailable'] as const),
      ...(['pinLastTry', 'pinRefused'] as const),
    ],
  })
  personalise(@Param('n') cardNumber: string, @Body() { station }: z.output<typeof personalisationRequest>) {
    return this.personalisation.personalise(cardNumber, station);
  }

  @Post('cards/:n/dispatch')
  @Endpoint({
    allow: OPERATOR,
    summary: 'The card left by registered mail',
    status: 200,
    params: cardParams,
    body: dispatchRequest,
    returns: dispatchedAnswer,
    errors: ['unknownCard', 'conflict'],
  })
  dispatch(
    @Param('n') cardNumber: string,
    @Body() { registeredMail }: z.output<typeof dispatchRequest>,
    @Req() { caller }: Request,
  ) {
    return this.stock.dispatch(cardNumber, registeredMail, caller!.subject);
  }
}
