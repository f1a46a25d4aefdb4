import { Controller, Get, Query } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Endpoint } from '#libs/doors';
import { cardNumber, type EventData, EVENTS } from '#libs/events';
import { announcementOf, completeCard } from './announcement.js';
import type { SlotCertificate } from './certificate-issuer.js';
import type { Applicant } from './subject.js';

const page = z.object({
  after: cardNumber.optional().describe('answers the cards above this number'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
const returns = z.object({ items: z.array(EVENTS['certificate.issued'].data), next: cardNumber.nullable() });

interface Row extends Applicant {
  cardNumber: string;
  cardUuid: string;
  way: 'A' | 'B';
}
type SlotRow = SlotCertificate & { cardNumber: string; issuerSki: string };

/** Everything that was issued, as `certificate.issued` told it: read models are rebuilt from here, not from the bus. */
@Controller('api/v1/issued-certificates')
export class IssuedCertificatesController {
  constructor(private readonly source: DataSource) {}

  @Get()
  @Endpoint({
    allow: ['service'],
    summary: 'Issued cards with their certificates, by card number',
    query: page,
    returns,
  })
  async list(@Query() { after = '', limit }: z.output<typeof page>): Promise<z.output<typeof returns>> {
    const cards = await this.source.query<Row[]>(
      `select k.card_number as "cardNumber", k.card_uuid as "cardUuid", a.way,
              a.kind, a.name, a.branch, a.county, a.ubn, a.certificate_email as "certificateEmail", a.rank
       from card k join application a using (case_number)
       where k.card_number > $1 and k.issued_at is not null order by k.card_number limit $2`,
      [after, limit + 1], // one more than asked for tells whether there is a next page
    );
    const items = await this.withCertificates(cards.slice(0, limit));
    return { items, next: cards.length > limit ? items.at(-1)!.cardNumber : null };
  }

  private async withCertificates(cards: Row[]): Promise<EventData<'certificate.issued'>[]> {
    const slots = await this.source.query<SlotRow[]>(
      `select card_number as "cardNumber", issuer_ski as "issuerSki", serial, slot, state, spki,
              not_before as "notBefore", not_after as "notAfter", der
       from certificate where card_number = any($1) and state <> 'abandoned'`,
      [cards.map(({ cardNumber }) => cardNumber)],
    );
    const byCard = new Map<string, SlotRow[]>(cards.map(({ cardNumber }) => [cardNumber, []]));
    for (const slot of slots) byCard.get(slot.cardNumber)!.push(slot);
    return cards.map(({ cardNumber, cardUuid, way, ...applicant }) => {
      const own = byCard.get(cardNumber)!;
      const { issuerSki } = own.find(({ slot }) => slot === '9C')!;
      return announcementOf({ cardNumber, cardUuid, way, applicant }, completeCard(own), issuerSki);
    });
  }
}
