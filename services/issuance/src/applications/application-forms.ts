import { Injectable } from '@nestjs/common';
import { ApplicationContents } from './application-content.js';
import { ProgressService } from './progress.service.js';
import { printed } from '../paper/press.js';

/** The printed form of an application. */
@Injectable()
export class ApplicationForms {
  constructor(
    private readonly progress: ProgressService,
    private readonly contents: ApplicationContents,
  ) {}

  /**
   * @param source `sourceOf` the caller's address
   * @returns a PDF
   * @throws CaError codeRefused | tooManyAttempts | tooBusy
   */
  async form(caseNumber: string, userCode: string, source: string): Promise<Buffer> {
    await this.progress.prove(caseNumber, userCode, source);
    const content = await this.contents.read(caseNumber);
    // A third of a second to load, which a start need not wait for.
    const { drawApplicationForm } = await import('./application-form.js');
    return printed(() => drawApplicationForm(content));
  }
}
