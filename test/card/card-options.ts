import { parseArgs } from 'node:util';
import { type CardAlgorithm } from '#libs/piv';
import {
  FAMILY_NAMES,
  type FamilyName,
  FIXTURE_NAMES,
  type FixtureName,
  FIXTURES,
  VPCD_PORT,
} from '#libs/virtual-card';

export const CARD_HELP = `npm run card -- virtual --fixture <name> [options]

  Keeps a virtual card in a reader of the pcscd that runs here, for trying things by hand, until Ctrl-C.
  The reader is that of Debian's vsmartcard-vpcd (deploy/debian-setup.sh installs it).

  --fixture <name>   which card:
${Object.entries(FIXTURES)
  .map(([name, what]) => `                       ${name.padEnd(10)} ${what}`)
  .join('\n')}
  --family <name>    which cards it is like: ${FAMILY_NAMES.join(', ')} (virtual)
  --key <algorithm>  of its two business certificates: rsa-2048 or p-256 (rsa-2048: the tools sign with it)
  --card <number>    its card number (EC00000000000001)
  --vpcd <host:port> where the reader driver listens (127.0.0.1:${VPCD_PORT}; the second slot is the next port)`;

export interface CardOptions {
  fixture: FixtureName;
  family: FamilyName;
  signatureKey: CardAlgorithm;
  cardNumber: string;
  host: string;
  port: number;
}

/** @returns the options; `help`; or what is wrong with them, for a person */
export function cardOptions(args: string[]): CardOptions | string {
  if (args.length === 0 || args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')) return 'help';
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: Object.fromEntries(
        ['fixture', 'family', 'key', 'card', 'vpcd'].map((name) => [name, { type: 'string' as const }]),
      ),
    });
    return read(positionals, values as Record<string, string | undefined>);
  } catch (error) {
    return (error as Error).message;
  }
}

function read(positionals: string[], values: Record<string, string | undefined>): CardOptions | string {
  const { fixture, family = 'virtual', key = 'rsa-2048', card = 'EC00000000000001', vpcd = '127.0.0.1' } = values;
  if (positionals.join(' ') !== 'virtual')
    return `the only kind of card is virtual, not ${positionals.join(' ') || 'none'}`;
  if (!FIXTURE_NAMES.includes(fixture as FixtureName)) {
    return `--fixture is one of ${FIXTURE_NAMES.join(', ')}${fixture === undefined ? '' : `, not ${fixture}`}`;
  }
  if (!FAMILY_NAMES.includes(family as FamilyName))
    return `--family is one of ${FAMILY_NAMES.join(', ')}, not ${family}`;
  if (key !== 'rsa-2048' && key !== 'p-256') return `--key is rsa-2048 or p-256, not ${key}`;
  if (!/^[A-Z]{2}[0-9]{14}$/.test(card)) return `--card is two letters and fourteen digits, not ${card}`;
  const [host = '', port = String(VPCD_PORT), ...more] = vpcd.split(':');
  if (!host || more.length > 0 || !/^[0-9]{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return `--vpcd is host:port, not ${vpcd}`;
  }
  return {
    ...{ fixture: fixture as FixtureName, family: family as FamilyName, signatureKey: key, cardNumber: card },
    ...{ host, port: Number(port) },
  };
}
