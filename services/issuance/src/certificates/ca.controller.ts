import { Controller, Get, Header, Inject, Param, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { CaError } from '#libs/errors';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';

const MEDIA_TYPE = 'application/pkix-cert';

/** CA certificates, where the AIA of issued ones points (RFC 5280 §4.2.2.1): plain http, DER, RFC 2585 §4.1. */
@Controller('ca')
export class CaController {
  private readonly certificates: Map<string, Buffer>;

  constructor(@Inject(ISSUANCE_CONFIG) { authority: { root, issuing, card } }: IssuanceConfig) {
    this.certificates = new Map([root, issuing, card].map(({ skiHex, der }) => [skiHex, der]));
  }

  @Get(':ski.cer')
  @Header('Cache-Control', 'public, max-age=86400')
  @Endpoint({
    allow: 'anyone',
    summary: 'A CA certificate, by its subject key identifier',
    params: z.object({
      ski: z
        .string()
        .regex(/^[0-9A-Fa-f]{40}$/, 'is not a subject key identifier')
        .toUpperCase(),
    }),
    returns: { mediaType: MEDIA_TYPE },
    errors: ['notFound'],
  })
  certificate(@Param('ski') ski: string): StreamableFile {
    const der = this.certificates.get(ski);
    if (!der) throw new CaError('notFound', 'no CA certificate here has this subject key identifier');
    return new StreamableFile(der, { type: MEDIA_TYPE, length: der.length });
  }
}
