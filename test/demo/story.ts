import { randomUUID } from 'node:crypto';
import { lastMidnight } from '#libs/clock';
import { activate } from './activation.js';
import { ask, askUntil, type Answer } from './http.js';
import type { Instance } from './instance.js';

/** What the story knows of its card, and what the evidence is made of. */
export interface Card {
  cardNumber: string;
  way: 'A';
  userCode: string;
  serials: { sign: string; enc: string };
  finalStatus: string;
}

export interface Step {
  /** Where the clock is set before the step; it runs on from there. */
  at?: Date;
  actor: 'subscriber' | 'application officer' | 'CA operator' | 'relying party' | 'system';
  step: string;
  expected: unknown;
  run: () => Promise<unknown>;
}

export const CARD_NUMBER = 'MT00000000000001';
const USER_CODE = 'Kaika#2026';
const WRONG_CODE = 'kaika#2026'; // capital letters count
const PIN = '24681357';
const HOUR_MS = 3_600_000;

/** Three Taipei days, the last of them begun by the real now: the clock never has to pass it. */
export function storyDays(now: Date): { first: Date; second: Date; third: Date } {
  const third = lastMidnight(new Date(now.getTime() - 10 * 60_000));
  const before = (days: number) => new Date(third.getTime() - days * 24 * HOUR_MS);
  return { first: before(2), second: before(1), third };
}

/** One card's whole life, as the steps of its people. Each step can be repeated: whatever was done stays done once. */
export function story(instance: Instance, now: Date, card: Card): Step[] {
  const { first, second, third } = storyDays(now);
  const on = (day: Date, hours: number, minutes = 0) => new Date(day.getTime() + hours * HOUR_MS + minutes * 60_000);
  const api = (path: string) => `${instance.address.url}/api/v1${path}`;
  const idempotencyKey = randomUUID();
  let caseNumber = '';

  const statusOf = async (wanted: string) => {
    const answer = await askUntil(
      (a) => itemsOf(a)[0]?.['status'] === wanted,
      'GET',
      api(`/certificates?cardNumber=${CARD_NUMBER}`),
    );
    return itemsOf(answer)[0]?.['status'];
  };
  const list = async (cut: Date) => {
    const found = (a: Answer) => itemsOf(a).some((item) => new Date(String(item['cut'])).getTime() === cut.getTime());
    const lists = await askUntil(found, 'GET', api('/crls?limit=100'));
    const item = itemsOf(lists).find((one) => new Date(String(one['cut'])).getTime() === cut.getTime());
    return { entries: item?.['entryCount'], served: (await served(instance)) === String(item?.['number']) };
  };
  const command = async (what: 'suspension' | 'resumption', userCode: string) =>
    ask('POST', api(`/cards/${CARD_NUMBER}/${what}`), { json: { userCode } });

  return [
    {
      at: on(first, 8),
      actor: 'relying party',
      step: 'fetches the first list: empty, published when the CA began',
      expected: { status: 200, entries: 0 },
      run: async () => {
        const lists = await askUntil((a) => itemsOf(a).length > 0, 'GET', api('/crls?limit=100'));
        const { status } = await ask('GET', `${instance.address.url}/crl/complete.crl`);
        return { status, entries: itemsOf(lists).at(-1)?.['entryCount'] };
      },
    },
    {
      at: on(first, 9),
      actor: 'CA operator',
      step: 'puts a blank card into stock',
      expected: { status: 201 },
      run: async () => {
        const token = await instance.token('chen');
        return statusOnly(await ask('POST', api('/card-stock'), { token, json: { cardNumbers: [CARD_NUMBER] } }));
      },
    },
    {
      actor: 'subscriber',
      step: 'applies for a card and chooses a user code',
      expected: { status: 201, state: 'received' },
      run: async () => {
        const answer = await ask('POST', api('/applications'), {
          headers: { 'idempotency-key': idempotencyKey },
          json: APPLICATION,
        });
        caseNumber = String(answer.body['caseNumber']);
        return { status: answer.status, state: answer.body['state'] };
      },
    },
    {
      at: on(first, 10),
      actor: 'application officer',
      step: 'approves the stamped form',
      expected: { status: 200, state: 'approved', cardNumber: CARD_NUMBER },
      run: async () => {
        const token = await instance.token('lin');
        const { status, body } = await ask('POST', api(`/applications/${caseNumber}/approval`), { token, json: {} });
        return { status, state: body['state'], cardNumber: body['cardNumber'] };
      },
    },
    {
      actor: 'CA operator',
      step: 'has the keys made on the card and both certificates issued',
      expected: { status: 200, state: 'issued', differentSerials: true },
      run: async () => {
        const token = await instance.token('chen');
        const { status, body } = await ask('POST', api(`/cards/${CARD_NUMBER}/personalisation`), { token, json: {} });
        const serials = body['serials'] as { signature: string; encryption: string };
        card.serials = { sign: serials.signature, enc: serials.encryption };
        return { status, state: body['state'], differentSerials: card.serials.sign !== card.serials.enc };
      },
    },
    {
      actor: 'CA operator',
      step: 'sends the card by registered mail',
      expected: { status: 200 },
      run: async () => {
        const token = await instance.token('chen');
        return statusOnly(
          await ask('POST', api(`/cards/${CARD_NUMBER}/dispatch`), {
            token,
            json: { registeredMail: '123456-78901234' },
          }),
        );
      },
    },
    {
      actor: 'relying party',
      step: 'searches for the card before its activation: pending, not downloadable',
      expected: { status: 'pending', download: 404 },
      run: async () => {
        const status = await statusOf('pending');
        const download = await ask('GET', api(`/certificates/${card.serials.sign}.cer`));
        return { status, download: download.status };
      },
    },
    {
      at: on(first, 14),
      actor: 'subscriber',
      step: 'tries to activate it with a wrong user code',
      expected: { status: 403, legacyCode: '3005' },
      run: async () => {
        const { refusal } = await activate(instance.address, {
          cardNumber: CARD_NUMBER,
          userCode: WRONG_CODE,
          pin: PIN,
        });
        return { status: refusal?.status, legacyCode: refusal?.body['legacyCode'] };
      },
    },
    {
      actor: 'subscriber',
      step: 'activates it by way A: proof by the card, user code, a new PIN, a signature with it',
      expected: { state: 'activated' },
      run: async () => ({
        state: (await activate(instance.address, { cardNumber: CARD_NUMBER, userCode: USER_CODE, pin: PIN })).state,
      }),
    },
    {
      actor: 'relying party',
      step: 'searches for it and downloads both certificates',
      expected: { status: 'valid', downloads: [200, 200] },
      run: async () => {
        const status = await statusOf('valid');
        const downloads = await Promise.all(
          [card.serials.sign, card.serials.enc].map(
            async (serial) => (await ask('GET', api(`/certificates/${serial}.cer`))).status,
          ),
        );
        return { status, downloads };
      },
    },
    {
      at: on(first, 23, 50),
      actor: 'subscriber',
      step: 'tries to suspend it with a wrong user code',
      expected: { status: 403, legacyCode: '3005' },
      run: async () => {
        const { status, body } = await command('suspension', WRONG_CODE);
        return { status, legacyCode: body['legacyCode'] };
      },
    },
    {
      actor: 'subscriber',
      step: 'suspends it; the receipt names the coming midnight',
      expected: { status: 200, card: 'suspended', cut: second.toISOString() },
      run: async () => receipt(await command('suspension', USER_CODE)),
    },
    {
      actor: 'relying party',
      step: 'sees it suspended at once, while the served list is still the empty one',
      expected: { status: 'suspended', entriesServed: 0 },
      run: async () => ({ status: await statusOf('suspended'), entriesServed: await servedEntries(instance) }),
    },
    {
      at: on(second, 0, 5),
      actor: 'system',
      step: 'publishes the list of midnight: both serials, certificateHold',
      expected: { entries: 2, served: true },
      run: () => list(second),
    },
    {
      at: on(second, 10),
      actor: 'subscriber',
      step: 'resumes it; the receipt names the next midnight',
      expected: { status: 200, card: 'valid', cut: third.toISOString() },
      run: async () => receipt(await command('resumption', USER_CODE)),
    },
    {
      actor: 'relying party',
      step: 'sees it valid at once, still on the served list',
      expected: { status: 'valid', entriesServed: 2 },
      run: async () => ({ status: await statusOf('valid'), entriesServed: await servedEntries(instance) }),
    },
    {
      at: on(third, 0, 5),
      actor: 'system',
      step: 'publishes the list of the next midnight: both serials are gone',
      expected: { entries: 0, served: true },
      run: () => list(third),
    },
    {
      actor: 'relying party',
      step: 'finds the card valid at the end',
      expected: { status: 'valid' },
      run: async () => {
        card.finalStatus = String(await statusOf('valid'));
        return { status: card.finalStatus };
      },
    },
  ];
}

const APPLICATION = {
  kind: 'company',
  name: '開卡測試股份有限公司',
  ubn: '04595257',
  certificateEmail: 'ca@kaika-test.example',
  representative: { name: '王測試' },
  contact: { name: '林測試', email: 'lin@kaika-test.example', phone: '02-0000-0000', address: '臺北市測試路1號' },
  userCode: USER_CODE,
};

export function itemsOf(answer: Answer): Record<string, unknown>[] {
  return (answer.body['items'] as Record<string, unknown>[] | undefined) ?? [];
}

const statusOnly = ({ status }: Answer) => ({ status });

function receipt({ status, body }: Answer) {
  return { status, card: body['status'], cut: new Date(String(body['cut'])).toISOString() };
}

/** Number of the list that relying parties get at this moment. */
async function served(instance: Instance): Promise<string | undefined> {
  return (await newestServed(instance))?.['number'] as string | undefined;
}

async function servedEntries(instance: Instance): Promise<unknown> {
  return (await newestServed(instance))?.['entryCount'];
}

async function newestServed(instance: Instance): Promise<Record<string, unknown> | undefined> {
  const { bytes } = await ask('GET', `${instance.address.url}/crl/complete.crl`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  const sha256 = Buffer.from(digest).toString('hex');
  const lists = await ask('GET', `${instance.address.url}/api/v1/crls?limit=100`);
  return itemsOf(lists).find((item) => item['sha256'] === sha256);
}
