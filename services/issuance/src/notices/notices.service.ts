import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Clock } from '#libs/clock';
import { openSealed, sealRecord } from '#libs/credentials';
import { afterCommit } from '#libs/database';
import { type CardRow, type EventData, type EventOf, SEALED_PAYLOADS, sealedContext } from '#libs/events';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { Mailer } from './mailer.js';
import type { NoticeContent } from './notice.js';
import type { NoticeList, NoticeQuery } from './notice.schema.js';

export type NewNotice = Subject & {
  /** Of the event it tells of: there is one notice an event, however often that comes. */
  readonly id: string;
  readonly content: NoticeContent;
  readonly secret?: { code: string; expiresAt: string };
};
/** What it is about: a card, or an application that has none yet. */
type Subject =
  | { readonly cardNumber: string; readonly caseNumber?: undefined }
  | { readonly caseNumber: string; readonly cardNumber?: undefined };

/** Records what subscribers are to be told, in the transaction of what it tells of; `Mailer` sends it. */
@Injectable()
export class NoticesService {
  constructor(
    private readonly source: DataSource,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'dataKey' | 'ownKey' | 'mail'>,
  ) {}

  /** Where no mail server is set, notices are on record as not sent, without their secrets. */
  async record(tx: EntityManager, { id, cardNumber, caseNumber, content, secret }: NewNotice): Promise<void> {
    const now = this.clock.now();
    const due = this.config.mail !== undefined;
    const sealed =
      due && secret ? await sealRecord(this.config.dataKey, { table: 'notice', id }, { code: secret.code }) : null;
    await tx.query(
      `insert into notice (id, card_number, case_number, content, secret, state, recorded_at, expires_at, next_attempt_at, done_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9) on conflict (id) do nothing`,
      [
        ...[id, cardNumber ?? null, caseNumber ?? null, JSON.stringify(content), sealed, due ? 'due' : 'not-sent', now],
        ...[secret?.expiresAt ?? null, due ? null : now],
      ],
    );
    if (due) afterCommit(tx, () => this.mailer.wake());
  }

  async issued(event: EventOf<'certificate.issued'>, tx: EntityManager): Promise<void> {
    const { cardNumber, notAfter, way } = event.data;
    await this.record(tx, { id: event.id, cardNumber, content: { kind: 'certificate-issued', notAfter, way } });
  }

  async activated({ id, data }: EventOf<'card.activated'>, tx: EntityManager): Promise<void> {
    const { cardNumber, at } = data;
    await this.record(tx, { id, cardNumber, content: { kind: 'card-activated', at } });
  }

  async statusChanged(id: string, row: CardRow, tx: EntityManager): Promise<void> {
    const content = ofStatus(row);
    if (content) await this.record(tx, { id, cardNumber: row.cardNumber, content });
  }

  async userCodeChanged({ id, data, time }: EventOf<'credential.set'>, tx: EntityManager): Promise<void> {
    const content = { kind: 'user-code-changed', at: time } as const;
    await this.record(tx, { id, cardNumber: data.cardNumber, content });
  }

  async acceptanceDue({ id, data }: EventOf<'card.acceptance-due'>, tx: EntityManager): Promise<void> {
    const { cardNumber, dueAt, daysLeft } = data;
    await this.record(tx, { id, cardNumber, content: { kind: 'acceptance-due', dueAt, daysLeft } });
  }

  /** @throws Error when the code is not sealed to this service, or for another card */
  async oneTimeCode({ id, data }: EventOf<'one-time-code.requested'>, tx: EntityManager): Promise<void> {
    const { code } = await this.openCode(data);
    const { cardNumber, expiresAt, purpose } = data;
    const content = { kind: 'one-time-code', expiresAt, purpose } as const;
    await this.record(tx, { id, cardNumber, content, secret: { code, expiresAt } });
  }

  /** Newest first; without addresses. */
  async list({ cardNumber, state, after, limit }: NoticeQuery): Promise<NoticeList> {
    const rows = await this.source.query<Row[]>(
      `select id, card_number as "cardNumber", case_number as "caseNumber", content->>'kind' as kind, state, attempts, problem,
              recorded_at as "recordedAt", done_at as "doneAt"
       from notice
       where ($1::text is null or card_number = $1) and ($2::text is null or state = $2)
         and ($3::text is null or (recorded_at, id) < (select recorded_at, id from notice where id = $3))
       order by recorded_at desc, id desc limit $4`,
      [cardNumber ?? null, state ?? null, after ?? null, limit + 1],
    );
    const items = rows.slice(0, limit).map((row) => ({
      ...row,
      recordedAt: row.recordedAt.toISOString(),
      doneAt: row.doneAt?.toISOString() ?? null,
    }));
    return { items, next: rows.length > limit ? items.at(-1)!.id : null };
  }

  private async openCode({ cardNumber, jwe }: EventData<'one-time-code.requested'>): Promise<{ code: string }> {
    const opened = await openSealed(this.config.ownKey, jwe, sealedContext('one-time-code.requested', cardNumber));
    return SEALED_PAYLOADS['one-time-code.requested'].parse(opened);
  }
}

type Row = Omit<NoticeList['items'][number], 'recordedAt' | 'doneAt'> & { recordedAt: Date; doneAt: Date | null };

/** Acceptance has no notice of its own: `card.activated` follows it. */
function ofStatus({ kind, at, holder, holds, acceptedAt, listed }: CardRow): NoticeContent | undefined {
  switch (kind) {
    case 'accepted':
      return undefined;
    case 'suspended':
      return { kind: 'certificate-suspended', at, holder: holder ?? 'ca' };
    case 'resumed':
      return { kind: 'certificate-resumed', at, holds, accepted: acceptedAt !== null };
    case 'revoked':
      return { kind: 'certificate-revoked', at, reason: listed?.reason ?? 'privilegeWithdrawn' };
  }
}
