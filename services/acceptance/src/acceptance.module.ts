import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { DatabaseModule } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { housekeepingOf, LOG } from '#libs/host';
import { MessagingModule, Outbox } from '#libs/messaging';
import type { AcceptanceConfig } from './acceptance.config.js';
import { AcceptanceHandlers } from './acceptance.handlers.js';
import { Activation } from './activation/activation.entity.js';
import { ActivationService } from './activation/activation.service.js';
import { ActivationsController } from './activation/activations.controller.js';
import { Centre } from './activation/centre.js';
import { HolderSettings } from './activation/holder-settings.js';
import { PersonCheck } from './activation/person-check.js';
import { RefusalService } from './activation/refusal.service.js';
import { Sessions } from './activation/sessions.js';
import { Card } from './card.entity.js';
import { CardJobs } from './card-jobs.js';
import { CardProofs } from './card-proof.js';
import { EvidenceController } from './evidence.controller.js';
import { prunes } from './housekeeping.js';
import { KnownCards } from './known-cards.js';
import { OneTimeCodes } from './one-time-code.js';
import { PinReset } from './pin-reset/pin-reset.entity.js';
import { PIN_RESET_CODE_IS_MAILED, PinResetService } from './pin-reset/pin-reset.service.js';
import { PinResetsController } from './pin-reset/pin-resets.controller.js';
import { SealedEvents } from './sealed-events.js';
import { LockReport } from './unlock/lock-report.entity.js';
import { LockReportsService } from './unlock/lock-reports.service.js';
import { UnlockRequestsService } from './unlock/unlock-requests.service.js';
import { UnlockSession } from './unlock/unlock-session.entity.js';
import { UnlocksController } from './unlock/unlocks.controller.js';
import { UnlocksService } from './unlock/unlocks.service.js';
import { UserCodeChangeService } from './user-code/user-code-change.service.js';
import { UserCodeReset } from './user-code/user-code-reset.entity.js';
import { UserCodeResetService } from './user-code/user-code-reset.service.js';
import { UserCodesController } from './user-code/user-codes.controller.js';
import { UserCodes } from './user-code/user-codes.js';

const ENTITIES = [Card, Activation, UserCodeReset, PinReset, UnlockSession, LockReport];

@Module({})
export class AcceptanceModule {
  static register(config: AcceptanceConfig): DynamicModule {
    return {
      module: AcceptanceModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'acceptance', entities: ENTITIES }),
        MessagingModule.forService({
          service: 'acceptance',
          transport: config.transport,
        }),
      ],
      controllers: [
        ...[ActivationsController, UserCodesController, PinResetsController, UnlocksController, EvidenceController],
        AcceptanceHandlers,
      ],
      providers: [
        ...[Sessions, HolderSettings, ActivationService, RefusalService],
        ...[UserCodeChangeService, UserCodeResetService],
        ...[PinResetService, LockReportsService, UnlockRequestsService, UnlocksService],
        ...checks(config),
        ...parts(config),
        ...pins(config),
      ],
    };
  }
}

/** Of codes and persons. */
function checks(config: AcceptanceConfig) {
  return [
    { provide: CodeHasher, useFactory: () => new CodeHasher(config.pepper) },
    {
      provide: AttemptStore,
      useFactory: (source: DataSource, clock: Clock) => new AttemptStore(source, clock),
      inject: [DataSource, Clock],
    },
    {
      provide: UserCodes,
      useFactory: (source: DataSource, hasher: CodeHasher, outbox: Outbox) =>
        new UserCodes(source, hasher, [config.suspensionKey, config.credentialKey.publicJwk], outbox),
      inject: [DataSource, CodeHasher, Outbox],
    },
    {
      provide: PersonCheck,
      useFactory: (attempts: AttemptStore, hasher: CodeHasher, userCodes: UserCodes) =>
        new PersonCheck(attempts, hasher, userCodes),
      inject: [AttemptStore, CodeHasher, UserCodes],
    },
  ];
}

function parts(config: AcceptanceConfig) {
  return [
    { provide: KnownCards, useFactory: () => new KnownCards(config.credentialKey) },
    { provide: SealedEvents, useFactory: () => new SealedEvents(config.issuanceKey) },
    {
      provide: CardProofs,
      useFactory: (source: DataSource, log: Logger) => new CardProofs(source, config.portalOrigins, log),
      inject: [DataSource, LOG],
    },
    {
      provide: Centre,
      useFactory: (known: KnownCards, source: DataSource) => {
        const tokens = serviceTokens(config.serviceKey, 'acceptance');
        return new Centre(new ServiceClient(config.suspensionUrl, tokens), known, source);
      },
      inject: [KnownCards, DataSource],
    },
    {
      provide: OneTimeCodes,
      useFactory: (source: DataSource, clock: Clock, hasher: CodeHasher, sealed: SealedEvents) =>
        new OneTimeCodes(source, clock, hasher, sealed),
      inject: [DataSource, Clock, CodeHasher, SealedEvents],
    },
    housekeepingOf([DataSource, Clock, AttemptStore], prunes),
    {
      provide: CardJobs,
      useFactory: (clock: Clock) =>
        new CardJobs({ transport: config.transportMaster, puk: config.pukMaster }, config.jobKey, clock),
      inject: [Clock],
    },
  ];
}

/** Forgotten PINs and locked cards. */
function pins(config: AcceptanceConfig) {
  return [
    { provide: PIN_RESET_CODE_IS_MAILED, useValue: config.isPinResetCodeMailed },
    { provide: DualControl, useFactory: (clock: Clock) => new DualControl(clock), inject: [Clock] },
  ];
}
