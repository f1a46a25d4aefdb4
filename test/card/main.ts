import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeFixture, VirtualCardStore, VpcdPlug } from '#libs/virtual-card';
import { CARD_HELP, cardOptions, type CardOptions } from './card-options.js';
import { wordsOf } from './words.js';

const LINES: Record<string, (where: string) => string> = {
  waiting: (where) => `no reader at ${where} yet; looking for one`,
  connected: (where) => `in the reader at ${where}, without power`,
  powered: (where) => `in the reader at ${where}, powered`,
  out: () => 'taken out',
};

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

async function main(args: string[]): Promise<number> {
  const options = cardOptions(args);
  if (options === 'help') {
    console.log(CARD_HELP);
    return 0;
  }
  if (typeof options === 'string') {
    console.error(`${options}\n\n${CARD_HELP}`);
    return 2;
  }
  await keepInReader(options);
  return 0;
}

/** Until the terminal says Ctrl-C, or whoever started this says SIGTERM. */
async function keepInReader({ fixture, cardNumber, host, port, ...kind }: CardOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'kaika-card-'));
  try {
    const card = await makeFixture(new VirtualCardStore(dir), fixture, cardNumber, kind);
    const onState = (state: string) => console.log(`card: ${LINES[state]?.(`${host}:${port}`) ?? state}`);
    const plug = new VpcdPlug(card.powerOn, { host, port, onState });
    console.log(wordsOf(card, kind));
    const ended = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    await Promise.race([plug.insert().then(() => ended), ended]);
    await plug.pull();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
