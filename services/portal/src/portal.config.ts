import { z } from 'zod';
import { type Hotline, hotlinesOf, hotlineSettings, readConfig } from '#libs/config';

export interface PortalConfig {
  /** `KAIKA_HOTLINE_1`, `_2`, …, each `<where>=<number>`; shown on every page that reports an error. */
  hotlines: Hotline[];
}

/** @throws ConfigError */
export function readPortalConfig(env: NodeJS.ProcessEnv): PortalConfig {
  return { hotlines: hotlinesOf(readConfig(z.object(hotlineSettings), env)) };
}
