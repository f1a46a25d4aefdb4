import { createHash } from 'node:crypto';

/** A repeatable source of choices: a run is told by its seed. */
export class Dice {
  #state: Buffer;
  #used = 0;

  constructor(seed: string) {
    this.#state = createHash('sha512').update(seed).digest();
  }

  /** 0 ≤ result < limit */
  roll(limit: number): number {
    if (this.#used > this.#state.length - 4) {
      this.#state = createHash('sha512').update(this.#state).digest();
      this.#used = 0;
    }
    const value = this.#state.readUInt32BE(this.#used);
    this.#used += 4;
    return value % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)]!;
  }
}

const ODD_OCTETS = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x84, 0xff, 0x30, 0x05, 0xa0];

/** DER with one to four things wrong: octets, lengths, cuts, doublings. */
export function mutateDer(dice: Dice, der: Buffer): Buffer {
  let octets = Buffer.from(der);
  for (let times = 1 + dice.roll(4); times > 0 && octets.length > 0; times -= 1) {
    const at = dice.roll(octets.length);
    switch (dice.roll(6)) {
      case 0:
        octets[at]! ^= 1 << dice.roll(8);
        break;
      case 1:
        octets[at] = dice.pick(ODD_OCTETS);
        break;
      case 2:
        octets = octets.subarray(0, at);
        break;
      case 3:
        octets = Buffer.concat([octets.subarray(0, at), Buffer.from([dice.pick(ODD_OCTETS)]), octets.subarray(at)]);
        break;
      case 4:
        octets = Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1 + dice.roll(8))]);
        break;
      default:
        octets = Buffer.concat([octets.subarray(0, at), octets.subarray(Math.max(0, at - 20))]);
    }
  }
  return octets;
}

const ODD_VALUES: unknown[] = [
  null, true, -1, 0, 1e308, 9007199254740992, '', ' ', 'x'.repeat(5_000), '\u0000', '\ud800', '１２３４５６７８', "' or 1=1 --",
  '<script>alert(1)</script>', '𠮷野家'.repeat(30), '1120229', '9999-99-99', '../../etc/passwd', '%00', [], {}, [[]], { __proto__: null },
  '4C02B4C882E09F74BF635EBAFA2530A9F', 'TT00000000000051', '11111111-1111-4111-8111-111111111111', Array.from({ length: 300 }, () => 'a'),
]; // prettier-ignore

/** A JSON value with one to three members changed, dropped, doubled under another name, or put elsewhere. */
export function mutateJson(dice: Dice, value: unknown): unknown {
  let result = structuredClone(value);
  for (let times = 1 + dice.roll(3); times > 0; times -= 1) result = once(dice, result);
  return result;
}

function once(dice: Dice, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || dice.roll(12) === 0) return dice.pick(ODD_VALUES);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  const names = Object.keys(copy);
  if (names.length === 0 || dice.roll(10) === 0) {
    copy[dice.pick(['extra', 'constructor', 'toString', '__proto__x', '']) + names.length] = dice.pick(ODD_VALUES);
    return copy;
  }
  const name = dice.pick(names);
  const chance = dice.roll(4);
  if (chance === 0) delete copy[name];
  else if (chance === 1) copy[name] = dice.pick(ODD_VALUES);
  else if (chance === 2)
    copy[name] = typeof copy[name] === 'string' ? mutateText(dice, copy[name]) : once(dice, copy[name]);
  else copy[name] = once(dice, copy[name]);
  return copy;
}

function mutateText(dice: Dice, text: string): string {
  const at = dice.roll(text.length + 1);
  const odd = dice.pick(['\u0000', '１', "'", '"', '\\', '\u200b', '\ue000', '𠮷', ' ', '%', '_', '-', '9']);
  return dice.pick([
    text.slice(0, at) + odd + text.slice(at),
    text.slice(0, at) + text.slice(at + 1),
    text.repeat(2),
    text.toLowerCase(),
    odd + text.slice(1),
  ]);
}

/** JSON text that may not be JSON any more. */
export function mutateText8(dice: Dice, json: string): string {
  const at = dice.roll(json.length + 1);
  return dice.pick([
    json.slice(0, at),
    json.slice(at),
    `${json.slice(0, at)},${json.slice(at)}`,
    `${'['.repeat(2_000)}${json}`,
    `${json}${json}`,
    `\ufeff${json}`,
  ]);
}
