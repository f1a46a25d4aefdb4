import { Body, Controller, Put } from '@nestjs/common';
import type { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { VirtualReaders } from './virtual-readers.js';
import { readerAnswer, readerRequest } from '../schemas.js';

/** The hand that puts a card into the virtual reader; there with virtual cards only. */
@Controller('virtual/reader')
export class VirtualReaderController {
  constructor(private readonly reader: VirtualReaders) {}

  @Put()
  @Endpoint({
    allow: 'anyone',
    summary: 'Puts a virtual card into the reader, or takes it out (null)',
    body: readerRequest,
    returns: readerAnswer,
    errors: ['unknownCard'],
  })
  async put(@Body() { cardNumber, pullAtPinChange }: z.output<typeof readerRequest>) {
    await this.reader.insert(cardNumber, pullAtPinChange);
    return { cardNumber };
  }
}
