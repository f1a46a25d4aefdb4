import { Inject, Injectable } from '@nestjs/common';
import { ISSUANCE_CONFIG, type IssuanceConfig } from '../issuance.config.js';
import { printed } from '../paper/press.js';
import { ReturnsService } from './returns.service.js';

/** The printed slip of a card that is sent in. */
@Injectable()
export class ReturnSlips {
  constructor(
    private readonly returns: ReturnsService,
    @Inject(ISSUANCE_CONFIG) private readonly config: Pick<IssuanceConfig, 'hotlines'>,
  ) {}

  /**
   * @param source `sourceOf` the caller's address
   * @returns a PDF
   * @throws CaError codeRefused | tooManyAttempts | tooBusy | notFound (erased)
   */
  async slip(caseNumber: string, slipCode: string, source: string): Promise<Buffer> {
    const facts = await this.returns.slip(caseNumber, slipCode, source);
    // A third of a second to load, which a start need not wait for.
    const { drawSlip } = await import('./slip-paper.js');
    return printed(() => drawSlip(facts, this.config.hotlines));
  }
}
