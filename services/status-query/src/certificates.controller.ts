import { X509Certificate } from 'node:crypto';
import { Controller, Get, Header, Inject, Param, Query, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { cardNumber, listing, serialPair, ski, utc } from '#libs/events';
import type { Authority } from '#libs/pki';
import { serial } from '#libs/taiwan';
import { certsOnly } from './certs-only.js';
import { AUTHORITY, chainOf } from './chain.js';
import { searchQuery, type SearchQuery } from './search-criteria.js';
import { type Page, SearchService } from './search.service.js';
import { SHOWN_STATUSES } from './shown-status.js';

const DER = 'application/pkix-cert'; // RFC 2585 §4.1
const PEM = 'application/x-pem-file';
const PKCS7 = 'application/x-pkcs7-certificates';
/** A certificate never changes; whether it is accepted may, once. */
const CACHE = 'public, max-age=86400';

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
  constructor(
    private readonly search: SearchService,
    @Inject(AUTHORITY) private readonly authority: Authority,
  ) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Endpoint({
    allow: 'anyone',
    summary: 'Cards by exactly one criterion, and the status of their certificates as of a row of the status log',
    query: searchQuery,
    returns: z.object({ items: z.array(item), next: z.string().nullable(), asOfSeq: z.number().int() }),
  })
  find(@Query() query: SearchQuery): Promise<Page> {
    return this.search.find(query);
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
    return download((await this.search.certificate(serial)).der, DER, `${serial}.cer`);
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
    const { der } = await this.search.certificate(serial);
    return download(Buffer.from(new X509Certificate(der).toString()), PEM, `${serial}.pem`);
  }

  @Get(':serial.p7b')
  @Header('Cache-Control', CACHE)
  @Endpoint({
    allow: 'anyone',
    summary: 'A certificate with those of its CAs up to the root, PKCS#7; from its acceptance on',
    params: bySerial,
    returns: { mediaType: PKCS7 },
    errors: ['notFound'],
  })
  async pkcs7(@Param('serial') serial: string): Promise<StreamableFile> {
    const chain = chainOf(await this.search.certificate(serial), this.authority);
    return download(certsOnly(chain), PKCS7, `${serial}.p7b`);
  }
}

function download(bytes: Buffer, type: string, name: string): StreamableFile {
  return new StreamableFile(bytes, { type, length: bytes.length, disposition: `attachment; filename="${name}"` });
}
