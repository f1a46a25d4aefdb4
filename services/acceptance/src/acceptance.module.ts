import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { DatabaseModule } from '#libs/database';
import { ServiceClient, serviceTokens } from '#libs/doors';
import { LOG } from '#libs/host';
import { MessagingModule } from '#libs/messaging';
import type { AcceptanceConfig } from './acceptance.config.js';
import { AcceptanceHandlers } from './acceptance.handlers.js';
import { Activation } from './activation.entity.js';
import { ActivationService } from './activation.service.js';
import { ActivationsController } from './activations.controller.js';
import { Card } from './card.entity.js';
import { CardProofs } from './card-proof.js';
import { Centre } from './centre.js';
import { CodeCheck } from './code-check.js';
import { KnownCards } from './known-cards.js';
import { PinJobs } from './pin-jobs.js';

@Module({})
export class AcceptanceModule {
  static register(config: AcceptanceConfig): DynamicModule {
    return {
      module: AcceptanceModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'acceptance', entities: [Card, Activation] }),
        MessagingModule.forService({
          service: 'acceptance',
          transport: { kind: 'embedded', busUrl: config.busUrl },
        }),
      ],
      controllers: [ActivationsController, AcceptanceHandlers],
      providers: [ActivationService, ...parts(config)],
    };
  }
}

function parts(config: AcceptanceConfig) {
  return [
    { provide: KnownCards, useFactory: () => new KnownCards(config.credentialKey) },
    {
      provide: CardProofs,
      useFactory: (source: DataSource, log: Logger) => new CardProofs(source, config.portalOrigins, log),
      inject: [DataSource, LOG],
    },
    {
      provide: CodeCheck,
      useFactory: (source: DataSource, clock: Clock) =>
        new CodeCheck(source, new AttemptStore(source, clock), new CodeHasher(config.pepper)),
      inject: [DataSource, Clock],
    },
    {
      provide: Centre,
      useFactory: (known: KnownCards, source: DataSource) => {
        const tokens = serviceTokens(config.serviceKey, config.tokenIssuer, 'acceptance');
        return new Centre(new ServiceClient(config.suspensionUrl, tokens), known, source);
      },
      inject: [KnownCards, DataSource],
    },
    {
      provide: PinJobs,
      useFactory: (clock: Clock) => new PinJobs(config.transportMaster, config.jobKey, clock),
      inject: [Clock],
    },
  ];
}
