import { type DynamicModule, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Clock } from '#libs/clock';
import { AttemptStore, CodeHasher } from '#libs/credentials';
import { DatabaseModule } from '#libs/database';
import { DualControl } from '#libs/dual-control';
import { housekeepingOf } from '#libs/host';
import { Idempotency } from '#libs/idempotency';
import { MessagingModule } from '#libs/messaging';
import { VirtualCardStore } from '#libs/virtual-card';
import { ApplicationContents } from './applications/application-content.js';
import { ApplicationForms } from './applications/application-forms.js';
import { ApplicationRecords } from './applications/application-records.js';
import { ApplicationsController } from './applications/applications.controller.js';
import { ApplicationsService } from './applications/applications.service.js';
import { ProgressService } from './applications/progress.service.js';
import { CasesController } from './cases/cases.controller.js';
import { CasesService } from './cases/cases.service.js';
import { CaController } from './certificates/ca.controller.js';
import { CardIssue } from './certificates/card-issue.js';
import { CertificateIssuer } from './certificates/certificate-issuer.js';
import { IssuedCertificatesController } from './certificates/issued-certificates.controller.js';
import { CombinedController } from './intake/combined.controller.js';
import { CombinedService } from './intake/combined.service.js';
import { OfficesController } from './intake/offices.controller.js';
import { RegistrationOffices } from './intake/registration-offices.js';
import { DelegatesController } from './certificates/delegates.controller.js';
import { DelegatesService } from './certificates/delegates.service.js';
import { ISSUANCE_CONFIG, type IssuanceConfig } from './issuance.config.js';
import { IssuanceHandlers } from './issuance.handlers.js';
import { IssuanceMetrics } from './issuance-metrics.js';
import { KnownCards } from './known-cards.js';
import { Contacts } from './notices/contacts.js';
import { ExpiryNotices } from './notices/expiry-notices.js';
import { Mailer } from './notices/mailer.js';
import { NoticesController } from './notices/notices.controller.js';
import { NoticesService } from './notices/notices.service.js';
import { BatchesService } from './production/batches.service.js';
import { DefectiveInStock } from './production/defective-cards.js';
import { PersonalisationService } from './production/personalisation.service.js';
import { ProductionController } from './production/production.controller.js';
import { ProductionRecords } from './production/production-records.js';
import { Stations } from './production/station.js';
import { stationsOf } from './production/stations-of.js';
import { StationQueue } from './production/station-queue.js';
import { StockController } from './production/stock.controller.js';
import { StockService } from './production/stock.service.js';
import { CardLocks } from './returns/card-locks.js';
import { Replacements } from './returns/replacement.js';
import { ReturnOutcomes } from './returns/return-outcomes.js';
import { ReturnSlips } from './returns/return-slips.js';
import { ReturnsController } from './returns/returns.controller.js';
import { ReturnsService } from './returns/returns.service.js';

@Module({})
export class IssuanceModule {
  static register(config: IssuanceConfig): DynamicModule {
    return {
      module: IssuanceModule,
      imports: [
        DatabaseModule.forService({ appUrl: config.databaseUrl, schema: 'issuance' }),
        MessagingModule.forService({ service: 'issuance', transport: config.transport }),
      ],
      controllers: [
        ...[ApplicationsController, CombinedController, OfficesController],
        ...[ProductionController, StockController, CaController, IssuedCertificatesController, DelegatesController],
        ...[CasesController, ReturnsController, NoticesController, IssuanceHandlers],
      ],
      providers: [
        ...[ApplicationsService, ApplicationRecords, ApplicationContents, ApplicationForms, ProgressService],
        ...[CombinedService, RegistrationOffices],
        ...[StockService, PersonalisationService, BatchesService, StationQueue, DefectiveInStock],
        ...[ReturnsService, ReturnOutcomes, ReturnSlips, Replacements, CardLocks],
        ...[KnownCards, CasesService, Contacts, NoticesService, Mailer, ExpiryNotices],
        ...[ProductionRecords, CertificateIssuer, CardIssue, DelegatesService, IssuanceMetrics],
        { provide: ISSUANCE_CONFIG, useValue: config },
        { provide: CodeHasher, useFactory: () => new CodeHasher(config.pepper) },
        { provide: VirtualCardStore, useFactory: () => new VirtualCardStore(config.virtualCardsDir) },
        { provide: DualControl, useFactory: (clock: Clock) => new DualControl(clock), inject: [Clock] },
        {
          provide: Stations,
          useFactory: (cards: VirtualCardStore) => stationsOf(config.stations, cards),
          inject: [VirtualCardStore],
        },
        { provide: Idempotency, useFactory: (clock: Clock) => new Idempotency(clock), inject: [Clock] },
        {
          provide: AttemptStore,
          useFactory: (source: DataSource, clock: Clock) => new AttemptStore(source, clock),
          inject: [DataSource, Clock],
        },
        housekeepingOf(
          [DataSource, AttemptStore, Idempotency, ReturnsService],
          (source, attempts, idempotency, returns) => ({
            attempts: () => attempts.prune(),
            answers: () => idempotency.prune(source),
            letters: () => returns.eraseLetters(),
          }),
        ),
      ],
    };
  }
}
