import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { Clock } from '#libs/clock';
import { LOG } from '#libs/host';
import { type Answer, Responder } from '#libs/ocsp';
import { Watermarks } from './watermarks.js';

/** Answers any request, as of the last watermark applied (DESIGN.md §4, "Ask"). */
@Injectable()
export class OcspService {
  #lastTrouble = '';

  constructor(
    private readonly responder: Responder,
    private readonly watermarks: Watermarks,
    private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** @param request DER, as it came; never throws */
  async answer(request: Buffer): Promise<Answer> {
    // Before the look-up: what that finds is at least as new.
    const thisUpdate = await this.watermarks.applied().catch((error: unknown) => this.#tell('no watermark', error));
    const answer = await this.responder.answer(request, { thisUpdate, now: this.clock.now() });
    if (answer.status === 'internalError' || answer.status === 'tryLater') this.#tell(answer.status, answer.cause);
    else if (answer.status === 'successful') this.#lastTrouble = '';
    return answer;
  }

  /** Once for each kind of trouble until an answer succeeds. */
  #tell(what: string, cause: unknown): undefined {
    const trouble = `${what}: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (trouble === this.#lastTrouble) return;
    this.#lastTrouble = trouble;
    this.log.warn({ err: cause }, `OCSP: ${what}`);
  }
}
