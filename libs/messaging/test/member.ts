import { Controller, type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { Clock, systemClock } from '#libs/clock';
import { dataSource, type TestService } from '#libs/database';
import { type KaikaEvent, newEvent, TOPICS } from '#libs/events';
import { Consumer, type Delivery, type Handlers, MESSAGING_MIGRATIONS, MessagingModule, type MessagingOptions, strategyOf } from '../src/index.js'; // prettier-ignore

/** What the members of the suite do: one row an event, in the order of the effects. */
export class Effects1700000000900 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table effect (id bigint generated always as identity, key text, n int, member text)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table effect');
  }
}
export const MEMBER_MIGRATIONS = [...MESSAGING_MIGRATIONS, Effects1700000000900];

/** Hooks by which a test makes a member fail. */
export interface Behaviour {
  before?(key: string, n: number): Promise<void> | void;
  after?(record: Delivery): Promise<void> | void;
}

let members = 0;

export async function startMember(
  service: TestService,
  options: MessagingOptions,
  behaviour: Behaviour = {},
): Promise<INestApplication> {
  const member = `member ${++members}`;
  const write = async (key: string, n: number, tx: EntityManager) => {
    await behaviour.before?.(key, n);
    await tx.query('insert into effect (key, n, member) values ($1, $2, $3)', [key, n, member]);
  };

  @Controller()
  class MemberHandlers {
    readonly on: Handlers = {
      'application.received': (e, tx) => write(e.subject, Number(e.data.caseNumber), tx),
    };
    constructor(private readonly consumer: Consumer) {}

    @EventPattern([TOPICS.issuance, TOPICS.acceptance])
    async receive(@Payload() record: Delivery): Promise<void> {
      // Topics outlive a test, keys don't.
      if (!record.key.startsWith(`${options.service}:`)) return;
      await this.consumer.receive(record, this.on);
      await behaviour.after?.(record);
    }
  }

  @Module({ controllers: [MemberHandlers] })
  class Member {}
  @Module({ providers: [{ provide: Clock, useFactory: systemClock }], exports: [Clock] })
  class Time {}
  const root: DynamicModule = {
    module: Member,
    imports: [
      { module: Time, global: true },
      TypeOrmModule.forRoot(dataSource({ appUrl: service.appUrl, schema: service.schema })),
      MessagingModule.forService(options),
    ],
  };
  const app = await NestFactory.create(root, { logger: false, abortOnError: false });
  const strategy = strategyOf(app);
  if (strategy) app.connectMicroservice({ strategy });
  await app.init();
  await app.startAllMicroservices();
  return app;
}

const source = { source: 'test', now: new Date('2026-11-21T12:00:00Z') };

/** The `n`th event of a key. */
export const numbered = (key: string, n: number): KaikaEvent =>
  newEvent('application.received', key, { caseNumber: String(n) }, source);

export async function effects(service: TestService): Promise<Map<string, number[]>> {
  const rows = await service.source.query<{ key: string; n: number }[]>('select key, n from effect order by id');
  const byKey = new Map<string, number[]>();
  for (const { key, n } of rows) byKey.set(key, [...(byKey.get(key) ?? []), n]);
  return byKey;
}
