import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher, Pepper } from '#libs/credentials';
import { DatabaseModule } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import { housekeepingOf } from '#libs/host';
import { Idempotency } from '#libs/idempotency';
import { MessagingModule } from '#libs/messaging';
import { CardChanges } from './card-changes.js';
import { DefectiveCards } from './defective-cards.js';
import { CutTimer } from './cut-timer.js';
import { DeadlineSettings } from './deadline/acceptance-deadline.js';
import { DeadlineService } from './deadline/deadline.service.js';
import { DeadlineTimer } from './deadline/deadline-timer.js';
import { HistoryController } from './officers/history.controller.js';
import { OfficerCommands } from './officers/officer-commands.js';
import { OfficersController } from './officers/officers.controller.js';
import { OfficersService } from './officers/officers.service.js';
import { RevocationsService } from './officers/revocations.service.js';
import { Receipts } from './receipts.js';
import { StatusLog } from './status-log.js';
import type { SuspensionConfig } from './suspension.config.js';
import { SuspensionController } from './suspension.controller.js';
import { SuspensionHandlers } from './suspension.handlers.js';
import { SuspensionService } from './suspension.service.js';
import { UserCodes } from './user-codes.js';
import { Watermarks } from './watermarks.js';

@Module({})
export class SuspensionModule {
  static register({ databaseUrl, transport, pepper, credentialKey, deadline }: SuspensionConfig): DynamicModule {
    return {
      module: SuspensionModule,
      imports: [
        DatabaseModule.forService({ appUrl: databaseUrl, schema: 'suspension' }),
        MessagingModule.forService({ service: 'suspension', transport }),
      ],
      controllers: [SuspensionController, OfficersController, HistoryController, SuspensionHandlers],
      providers: [
        SuspensionService,
        OfficersService,
        RevocationsService,
        OfficerCommands,
        DeadlineService,
        CardChanges,
        DefectiveCards,
        StatusLog,
        Receipts,
        CutTimer,
        DeadlineTimer,
        Watermarks,
        { provide: Pepper, useValue: pepper },
        { provide: DeadlineSettings, useValue: deadline },
        { provide: DualControl, useFactory: (clock: Clock) => new DualControl(clock), inject: [Clock] },
        { provide: Idempotency, useFactory: (clock: Clock) => new Idempotency(clock), inject: [Clock] },
        {
          provide: AttemptStore,
          useFactory: (source: DataSource, clock: Clock) => new AttemptStore(source, clock),
          inject: [DataSource, Clock],
        },
        housekeepingOf([DataSource, AttemptStore, Idempotency], (source, attempts, idempotency) => ({
          attempts: () => attempts.prune(),
          answers: () => idempotency.prune(source),
        })),
        {
          provide: UserCodes,
          useFactory: (source: DataSource, attempts: AttemptStore) =>
            new UserCodes(source, attempts, new CodeHasher(pepper), credentialKey),
          inject: [DataSource, AttemptStore],
        },
      ],
    };
  }
}
