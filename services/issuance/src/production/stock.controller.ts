import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { requestSchemas } from '#libs/dual-control';
import { batchAnswer, batchList, type BatchRequest, batchRequest } from './batch.schema.js';
import { BatchesService } from './batches.service.js';
import { DefectiveInStock } from './defective-cards.js';
import { cardParams, dispatchedAnswer } from './production.schema.js';
import {
  correctionRequest,
  defectAnswer,
  defectRequest,
  queueAnswer,
  queueQuery,
  stationParams,
  takenAnswer,
} from './queue.schema.js';
import { StationQueue } from './station-queue.js';
import { StockService } from './stock.service.js';

const OPERATOR = ['ca-operator'] as const;
const { nothing } = requestSchemas;

/** Deliveries, the station's queue, and what goes wrong with cards as things. */
@Controller('api/v1')
export class StockController {
  constructor(
    private readonly batches: BatchesService,
    private readonly queue: StationQueue,
    private readonly defective: DefectiveInStock,
    private readonly stock: StockService,
  ) {}

  @Post('card-batches')
  @Endpoint({
    allow: OPERATOR,
    summary: 'A delivery of blank cards comes into stock, whole or not at all',
    status: 201,
    body: batchRequest,
    returns: batchAnswer,
    errors: ['conflict', 'noReader', 'managementKeyFixed'],
  })
  receive(@Body() body: BatchRequest, @Req() { caller }: Request) {
    return this.batches.receive(body, caller!.subject);
  }

  @Get('card-batches')
  @Endpoint({ allow: OPERATOR, summary: 'Deliveries, newest first, and the states of their cards', returns: batchList })
  async list() {
    return { items: await this.batches.list() };
  }

  @Get('station-queue')
  @Endpoint({
    allow: OPERATOR,
    summary: 'Cards that wait to be made, in order, and who has them',
    query: queueQuery,
    returns: queueAnswer,
  })
  waiting(@Query() { limit }: z.output<typeof queueQuery>) {
    return this.queue.list(limit);
  }

  @Post('stations/:station/card')
  @Endpoint({
    allow: OPERATOR,
    summary: 'A station takes the next card; asked again, the same one',
    status: 200,
    params: stationParams,
    body: nothing,
    returns: takenAnswer,
    errors: ['notFound'],
  })
  async take(@Param('station') station: string) {
    return { card: await this.queue.take(station) };
  }

  @Post('stations/:station/card/return')
  @Endpoint({
    allow: OPERATOR,
    summary: 'A station gives its card back to the queue',
    status: 200,
    params: stationParams,
    body: nothing,
    returns: takenAnswer,
    errors: ['notFound'],
  })
  async giveBack(@Param('station') station: string) {
    await this.queue.giveBack(station);
    return { card: null };
  }

  @Post('cards/:n/defect')
  @Endpoint({
    allow: OPERATOR,
    summary: 'A card failed before it was issued: out of stock; its application gets another one',
    status: 200,
    params: cardParams,
    body: defectRequest,
    returns: defectAnswer,
    errors: ['unknownCard', 'conflict', 'readerBusy'],
  })
  defect(
    @Param('n') cardNumber: string,
    @Body() { ground }: z.output<typeof defectRequest>,
    @Req() { caller }: Request,
  ) {
    return this.defective.mark(cardNumber, ground, caller!.subject);
  }

  @Post('cards/:n/dispatch-correction')
  @Endpoint({
    allow: ['ca-officer'],
    summary: 'The registered-mail number was noted wrongly; the wrong one and the ground stay on record',
    status: 200,
    params: cardParams,
    body: correctionRequest,
    returns: dispatchedAnswer,
    errors: ['unknownCard', 'conflict'],
  })
  correct(
    @Param('n') cardNumber: string,
    @Body() { registeredMail, ground }: z.output<typeof correctionRequest>,
    @Req() { caller }: Request,
  ) {
    return this.stock.correctDispatch(cardNumber, { registeredMail, ground, by: caller!.subject });
  }
}
