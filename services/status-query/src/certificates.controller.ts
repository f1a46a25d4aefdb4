import { X509Certificate } from 'node:crypto';
import { Controller, Get, Header, Param, Query, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { cardNumber, listing, serialPair, ski, utc } from '#libs/events';
import { cardNumberOrTest, serial } from '#libs/taiwan';
import { SearchService } from './search.service.js';
import { SHOWN_STATUSES } from './shown-status.js';

const DER = 'application/pkix-cert'; // RFC 2585 §4.1
const PEM = 'application/x-pem-file';
/** A certificate never changes; whether it is accepted may, once. */
const CACHE = 'public, max-age=86400';

const search = z.object({ cardNumber: cardNumberOrTest });
const bySerial = z.object({ serial });
const item = z.object({
  cardNumber,
  serials: serialPair,
  subject: z.string(),
  name: z.string(),
  ubn: z.string(),
  rank: z.string(),
  issuerSki: ski,
  notBefore: utc,
  notAfter: utc,
  status: z.enum(SHOWN_STATUSES),
  acceptedAt: utc.nullable(),
  listed: listing.nullable(),
});

@Controller('api/v1/certificates')
export class CertificatesController {
  constructor(private readonly search: SearchService) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: 'anyone',
    summary: 'Cards and the status of their certificates, as of a row of the status log',
    query: search,
    returns: z.object({ items: z.array(item), next: z.string().nullable(), asOfSeq: z.number().int() }),
  })
  async find(@Query() { cardNumber }: z.output<typeof search>) {
    return { ...(await this.search.byCardNumber(cardNumber)), next: null };
  }

  @Get(':serial.cer')
  @Header('Cache-Control', CACHE)
  @Endpoint({
    allow: 'anyone',
    summary: 'A certificate, DER; from its acceptance on',
    params: bySerial,
    returns: { mediaType: DER },
    errors: ['notFound'],
  })
  async der(@Param('serial') serial: string): Promise<StreamableFile> {
    return download(await this.search.certificate(serial), DER, `${serial}.cer`);
  }

  @Get(':serial.pem')
  @Header('Cache-Control', CACHE)
  @Endpoint({
    allow: 'anyone',
    summary: 'A certificate, PEM; from its acceptance on',
    params: bySerial,
    returns: { mediaType: PEM },
    errors: ['notFound'],
  })
  async pem(@Param('serial') serial: string): Promise<StreamableFile> {
    const text = new X509Certificate(await this.search.certificate(serial)).toString();
    return download(Buffer.from(text), PEM, `${serial}.pem`);
  }
}

function download(bytes: Buffer, type: string, name: string): StreamableFile {
  return new StreamableFile(bytes, { type, length: bytes.length, disposition: `attachment; filename="${name}"` });
}
