import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { type Hotline, hotlinesOf, hotlineSettings, readConfig } from '#libs/config';

/** What the pages show of this site. */
export interface Site {
  /** `KAIKA_HOTLINE_1`, `_2`, …, each `<where>=<number>`; shown on every page that reports an error. */
  hotlines: Hotline[];
  /** Origin of the card agent on the machine of whoever sits at it; pages may connect there and nowhere else. */
  agentUrl: string;
  /** Where officers sign in, an OpenID provider; null: nowhere, the console is closed. */
  login: Login | null;
}

export interface PortalConfig extends Site {
  /** `KAIKA_AGENT_DOWNLOADS`: folder of the files that 下載專區 offers; undefined: there are none. */
  downloadsDir: string | undefined;
}

export interface Login {
  /** Its `iss`, below which its discovery document is. */
  issuer: string;
  /** Of the console at that provider: a public client with code flow and PKCE. */
  clientId: string;
  /** What is asked for; `openid` and what that provider wants named for tokens with `roles` and the audience. */
  scope: string;
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
  KAIKA_OIDC_ISSUER: z
    .string()
    .regex(
      /^(https:\/\/[^\s;,'"?#/]+|http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?)(\/[^\s;,'"?#]*)?$/,
      'must be an https address without a query, or one on loopback',
    )
    .optional(),
  KAIKA_OIDC_CLIENT_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be printable ASCII')
    .default('kaika-console'),
  KAIKA_OIDC_SCOPE: z
    .string()
    .regex(/^openid( [\x21-\x7e]+)*$/, 'must begin with openid')
    .default('openid'),
  KAIKA_AGENT_DOWNLOADS: z
    .string()
    .refine((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory(), 'is not a folder that is there')
    .transform((path) => resolve(path))
    .optional(),
});

/** @throws ConfigError */
export function readPortalConfig(env: NodeJS.ProcessEnv): PortalConfig {
  const settings = readConfig(shape, env);
  const { KAIKA_AGENT_URL: agentUrl, KAIKA_OIDC_ISSUER: issuer } = settings;
  const login = issuer ? { issuer, clientId: settings.KAIKA_OIDC_CLIENT_ID, scope: settings.KAIKA_OIDC_SCOPE } : null;
  return { hotlines: hotlinesOf(settings), agentUrl, login, downloadsDir: settings.KAIKA_AGENT_DOWNLOADS };
}
