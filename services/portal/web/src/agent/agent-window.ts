import { Problem } from '../api/problem.js';
import { pageState, type PageSession, type PageState } from './agent.js';

const LOOK_EVERY_MS = 700;
const WINDOW = 'kaika-agent';

/** The agent's own page, where PINs are typed: opened by the click itself, else the browser takes it for an advertisement. */
export class AgentWindow {
  readonly #window = window.open('about:blank', WINDOW);

  get isBlocked(): boolean {
    return this.#window === null;
  }

  /** @param language  as the agent's pages know it */
  show({ url }: PageSession, language: string): void {
    if (this.#window) this.#window.location.href = `${url}?lang=${language === 'en' ? 'en' : 'zh'}`;
  }

  close(): void {
    this.#window?.close();
  }
}

/** How it ends, however long the holder takes. @throws Problem cancelled, or that the agent is gone */
export async function endOf({ id }: PageSession, signal: AbortSignal): Promise<PageState> {
  for (;;) {
    const now = await pageState(id, signal);
    if (!['waiting', 'working', 'removed'].includes(now.state)) return now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (signal.aborted) throw new Problem('cancelled');
  }
}
