import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, port, secretFile } from '#libs/config';

/** An agent in station mode: the centre makes cards in its reader. Off unless a port is set. */
export const stationSettings = {
  /** Of the relay's own listener; without it there is none */
  KAIKA_AGENT_STATION_PORT: port().optional(),
  /** The address it listens on */
  KAIKA_AGENT_STATION_HOST: z.string().min(1).default('127.0.0.1'),
  /** PEM: the station's own certificate, and its chain */
  KAIKA_AGENT_STATION_CERTIFICATE_FILE: secretFile().optional(),
  /** PEM: its private key */
  KAIKA_AGENT_STATION_KEY_FILE: secretFile().optional(),
  /** PEM: the CA whose clients may use the relay; of nothing else */
  KAIKA_AGENT_STATION_CLIENT_CA_FILE: secretFile().optional(),
};

export interface StationConfig {
  readonly port: number;
  readonly host: string;
  /** PEM, all three */
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer;
}

const FILES = {
  certificate: 'KAIKA_AGENT_STATION_CERTIFICATE_FILE',
  key: 'KAIKA_AGENT_STATION_KEY_FILE',
  clientCa: 'KAIKA_AGENT_STATION_CLIENT_CA_FILE',
} as const;

/** @returns undefined: no station mode @throws ConfigError naming what is missing */
export function stationOf(settings: z.output<z.ZodObject<typeof stationSettings>>): StationConfig | undefined {
  const port = settings.KAIKA_AGENT_STATION_PORT;
  if (port === undefined) return undefined;
  const missing = Object.values(FILES).filter((variable) => settings[variable] === undefined);
  if (missing.length > 0) {
    throw new ConfigError(
      missing.map((variable) => ({ variable, problem: 'is not set, and KAIKA_AGENT_STATION_PORT is' })),
    );
  }
  const read = (file: keyof typeof FILES) => readFileSync(settings[FILES[file]]!);
  return {
    ...{ port, host: settings.KAIKA_AGENT_STATION_HOST },
    ...{ certificate: read('certificate'), key: read('key'), clientCa: read('clientCa') },
  };
}
