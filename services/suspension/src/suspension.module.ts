import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher, Pepper } from '#libs/credentials';
import { DatabaseModule } from '#libs/database';
import { Idempotency } from '#libs/idempotency';
import { MessagingModule } from '#libs/messaging';
import { CutTimer } from './cut-timer.js';
import { Receipts } from './receipts.js';
import { StatusLog } from './status-log.js';
import type { SuspensionConfig } from './suspension.config.js';
import { SuspensionController } from './suspension.controller.js';
import { SuspensionHandlers } from './suspension.handlers.js';
import { SuspensionService } from './suspension.service.js';
import { UserCodes } from './user-codes.js';

@Module({})
export class SuspensionModule {
  static register({ databaseUrl, busUrl, pepper, credentialKey }: SuspensionConfig): DynamicModule {
    return {
      module: SuspensionModule,
      imports: [
        DatabaseModule.forService({ appUrl: databaseUrl, schema: 'suspension' }),
        MessagingModule.forService({ service: 'suspension', transport: { kind: 'embedded', busUrl } }),
      ],
      controllers: [SuspensionController, SuspensionHandlers],
      providers: [
        SuspensionService,
        StatusLog,
        Receipts,
        CutTimer,
        { provide: Pepper, useValue: pepper },
        { provide: Idempotency, useFactory: (clock: Clock) => new Idempotency(clock), inject: [Clock] },
        {
          provide: UserCodes,
          useFactory: (source: DataSource, clock: Clock) =>
            new UserCodes(source, new AttemptStore(source, clock), new CodeHasher(pepper), credentialKey),
          inject: [DataSource, Clock],
        },
      ],
    };
  }
}
