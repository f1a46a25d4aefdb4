import { execFileSync } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { kbkdf, kbkdfWithFixedData } from './kbkdf.js';
import { deriveManagementKey, derivePuk, deriveTransportPin } from './transport-secrets.js';

const hex = (text: string) => Buffer.from(text, 'hex');

/** NIST CAVS 14.4, KBKDF counter mode, PRF=HMAC_SHA256, CTRLOCATION=BEFORE_FIXED, RLEN=32_BITS: COUNT 0, 10, 20, 30. */
const CAVS: [key: string, fixedData: string, derived: string][] = [
  [
    'dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0',
    '01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac',
    '10621342bfb0fd40046c0e29f2cfdbf0',
  ],
  [
    'e204d6d466aad507ffaf6d6dab0a5b26152c9e21e764370464e360c8fbc765c6',
    '7b03b98d9f94b899e591f3ef264b71b193fba7043c7e953cde23bc5384bc1a6293580115fae3495fd845dadbd02bd6455cf48d0f62b33e62364a3a80',
    '770dfab6a6a4a4bee0257ff335213f78d8287b4fd537d5c1fffa956910e7c779',
  ],
  [
    'dc60338d884eecb72975c603c27b360605011756c697c4fc388f5176ef81efb1',
    '44d7aa08feba26093c14979c122c2437c3117b63b78841cd10a4bc5ed55c56586ad8986d55307dca1d198edcffbc516a8fbe6152aa428cdd800c062d',
    '29ac07dccf1f28d506cd623e6e3fc2fa255bd60b',
  ],
  [
    'c4bedbddb66493e7c7259a3bbbc25f8c7e0ca7fe284d92d431d9cd99a0d214ac',
    '1c69c54766791e315c2cc5c47ecd3ffab87d0d273dd920e70955814c220eacace6a5946542da3dfe24ff626b4897898cafb7db83bdff3c14fa46fd4b',
    '1da47638d6c9c4d04d74d4640bbd42ab814d9e8cc22f4326695239f96b0693f12d0dd1152cf44430',
  ],
];

const master = createSecretKey(Buffer.alloc(32, 0x5a));
const input = {
  master,
  keyVersion: 1,
  generation: 1,
  cardUuid: '6f1c2f0e-3d2b-4b8e-9f43-0b9d6c1a2e77',
  cardNumber: 'TT00000000000051',
};

describe('key derivation', () => {
  it.each(CAVS)('gives what NIST published for the key %s', (key, fixedData, derived) => {
    const bytes = kbkdfWithFixedData(createSecretKey(hex(key)), hex(fixedData), derived.length / 2);
    expect(bytes.toString('hex')).toBe(derived);
  });

  it.each([4, 32, 64, 100])('gives the %d octets that openssl gives', (length) => {
    const context = Buffer.from('000102030405ff', 'hex');
    const options = [
      'mac:HMAC',
      'digest:SHA256',
      `hexkey:${'5a'.repeat(32)}`,
      'salt:kaika/test/v1',
      'hexinfo:000102030405ff',
    ];
    const args = ['kdf', '-keylen', String(length), ...options.flatMap((option) => ['-kdfopt', option]), 'KBKDF'];
    const judge = execFileSync('openssl', args, { encoding: 'utf8' }).replace(/[^0-9A-F]/g, '');
    expect(kbkdf(master, 'kaika/test/v1', context, length).toString('hex').toUpperCase()).toBe(judge);
  });
});

/** What `openssl kdf KBKDF` derives for `input` under a label. */
function byOpenssl(label: string, bytes: number): Buffer {
  const context = `0000000100000001${input.cardUuid.replaceAll('-', '')}${Buffer.from(input.cardNumber).toString('hex')}`;
  const options = ['mac:HMAC', 'digest:SHA256', `hexkey:${'5a'.repeat(32)}`, `salt:${label}`, `hexinfo:${context}`];
  const args = ['kdf', '-binary', '-keylen', String(bytes), ...options.flatMap((o) => ['-kdfopt', o]), 'KBKDF'];
  return execFileSync('openssl', args);
}

function digitsByOpenssl(label: string): string {
  const octets = byOpenssl(label, 64);
  const words = Array.from({ length: 16 }, (_, i) => octets.readUInt32BE(i * 4));
  return String(words.find((word) => word < 4_200_000_000)! % 1e8).padStart(8, '0');
}

describe('the secrets of a card', () => {
  it('never change: a card in the field holds them', () => {
    expect(deriveTransportPin(input)).toBe('39873748');
    expect(derivePuk(input)).toBe('30490798');
    expect(deriveManagementKey(input, 16).toString('hex')).toBe('2052d87297870746026089f8e108e803');
    expect(deriveManagementKey(input, 24).toString('hex')).toBe('584639b1adc34af9d9e17b4bb8088e3f031cfd5ca4d6e8b9');
    expect(deriveManagementKey(input, 32).toString('hex')).toBe(
      '8a00a00bba7ac23cc1361584d835b6529faafc80d3c92d5cd6e405a1ebc654e6',
    );
  });

  it('are what openssl derives', () => {
    expect(deriveTransportPin(input)).toBe(digitsByOpenssl('kaika/transport-pin/v1'));
    expect(derivePuk(input)).toBe(digitsByOpenssl('kaika/puk/v1'));
    for (const bytes of [16, 24, 32] as const) {
      expect(deriveManagementKey(input, bytes)).toEqual(byOpenssl('kaika/management-key/v1', bytes));
    }
  });

  it('takes no length for a management key that no card has', () => {
    for (const bytes of [0, 8, 20, 33]) expect(() => deriveManagementKey(input, bytes as 16)).toThrow(RangeError);
  });
});

describe.each([
  ['transport PIN', deriveTransportPin],
  ['PUK', derivePuk],
])('%s', (_, derive) => {
  it('is the same however the UUID is written', () => {
    expect(derive({ ...input, cardUuid: input.cardUuid.toUpperCase() })).toBe(derive(input));
  });

  it('is another for another master, version, generation, UUID or card number', () => {
    const pins = [
      input,
      { ...input, master: createSecretKey(Buffer.alloc(32, 0x5b)) },
      { ...input, keyVersion: 2 },
      { ...input, generation: 2 },
      { ...input, cardUuid: '6f1c2f0e-3d2b-4b8e-9f43-0b9d6c1a2e78' },
      { ...input, cardNumber: 'TT00000000000052' },
    ].map(derive);
    expect(new Set(pins).size).toBe(pins.length);
  });

  it('is always 8 digits, and no digit is favoured', () => {
    const counts = Array.from({ length: 8 }, () => Array<number>(10).fill(0));
    const runs = 5_000;
    for (let generation = 1; generation <= runs; generation += 1) {
      const pin = derive({ ...input, generation });
      expect(pin).toMatch(/^[0-9]{8}$/);
      [...pin].forEach((digit, place) => (counts[place]![Number(digit)]! += 1));
    }
    // Chi-square with 9 degrees of freedom; the inputs are fixed, so this never flickers.
    for (const place of counts) {
      const chiSquare = place.reduce((sum, n) => sum + (n - runs / 10) ** 2 / (runs / 10), 0);
      expect(chiSquare).toBeLessThan(28);
    }
  });

  it('refuses a card UUID or card number of another form', () => {
    const texts = fc
      .string({ maxLength: 40 })
      .filter((text) => !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text));
    fc.assert(fc.property(texts, (cardUuid) => void expect(() => derive({ ...input, cardUuid })).toThrow()));
    for (const cardNumber of ['', 'TT0000000000005', 'tt00000000000051', 'TT000000000000510']) {
      expect(() => derive({ ...input, cardNumber })).toThrow(RangeError);
    }
    for (const generation of [-1, 0, 1.5, 2 ** 32]) {
      expect(() => derive({ ...input, generation })).toThrow('count from 1');
    }
  });
});
