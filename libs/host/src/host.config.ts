import { isIP } from 'node:net';
import { z } from 'zod';
import { readConfig } from '#libs/config';

export interface HostConfig {
  /**
   * `KAIKA_TRUST_PROXY`: which proxies in front of us are believed about whom they speak for (`X-Forwarded-For`): how many
   * (1–5), or their addresses and networks, separated by commas. Default: none. Attempts are counted by that address, so
   * a proxy that is not believed makes all callers one, and believing a stranger lets anybody be many.
   */
  trustProxy: false | number | string[];
}

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!;
  return rest.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
};

/** To be spread into the settings of a process. */
export const hostSettings = {
  KAIKA_TRUST_PROXY: z
    .string()
    .transform((text) => (/^[1-5]$/.test(text) ? Number(text) : text.split(',').map((part) => part.trim())))
    .refine((value) => typeof value === 'number' || value.every((part) => part === 'loopback' || isNetwork(part)), {
      message: 'must be a number of proxies from 1 to 5, or their addresses or networks separated by commas',
    })
    .optional(),
};

/** What is the same for every service. @throws ConfigError naming the variables */
export function readHostConfig(env: NodeJS.ProcessEnv): HostConfig {
  return { trustProxy: readConfig(z.object(hostSettings), env).KAIKA_TRUST_PROXY ?? false };
}
