import { z } from 'zod';
import { type Hotline, hotlinesOf, hotlineSettings, readConfig } from '#libs/config';

export interface PortalConfig {
  /** `KAIKA_HOTLINE_1`, `_2`, …, each `<where>=<number>`; shown on every page that reports an error. */
  hotlines: Hotline[];
  /** Origin of the card agent on the machine of whoever sits at it; pages may connect there and nowhere else. */
  agentUrl: string;
}

const shape = z.object({
  ...hotlineSettings,
  KAIKA_AGENT_URL: z
    .string()
    .regex(
      /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d{1,5}$/,
      'must be an origin on loopback: http://127.0.0.1:3010',
    )
    .default('http://127.0.0.1:3010'),
});

/** @throws ConfigError */
export function readPortalConfig(env: NodeJS.ProcessEnv): PortalConfig {
  const settings = readConfig(shape, env);
  return { hotlines: hotlinesOf(settings), agentUrl: settings.KAIKA_AGENT_URL };
}
