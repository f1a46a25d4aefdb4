import { Module, type DynamicModule } from '@nestjs/common';
import { ApiDocsController } from './api-docs.controller.js';
import { DownloadsController } from './downloads.controller.js';
import { Downloads } from './downloads.js';
import type { PortalConfig } from './portal.config.js';
import { PagesController, PORTAL_CONFIG } from './pages.controller.js';

/** The web pages. Owns no data: everything shown comes from the services' public endpoints. */
@Module({})
export class PortalModule {
  static register({ downloadsDir, ...site }: PortalConfig): DynamicModule {
    return {
      module: PortalModule,
      controllers: [PagesController, DownloadsController, ApiDocsController],
      providers: [
        { provide: PORTAL_CONFIG, useValue: site },
        { provide: Downloads, useValue: new Downloads(downloadsDir) },
      ],
    };
  }
}
