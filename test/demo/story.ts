import { randomBytes } from 'node:crypto';
import { signDetached } from '#libs/credentials';
import { application, combinedApplication, type Card } from './cards.js';
import { ask, askUntil, type Answer } from './http.js';
import { at, itemsOf, type storyDays, type World } from './world.js';

export interface Step {
  /** Where the clock is set before the step; it runs on from there. */
  at?: Date;
  actor:
    | 'subscriber'
    | 'registration office'
    | 'application officer'
    | 'CA operator'
    | 'CA officer'
    | 'relying party'
    | 'system';
  step: string;
  expected: unknown;
  run: () => Promise<unknown>;
}

type Days = ReturnType<typeof storyDays>;
type Cards = readonly [Card, Card, Card, Card];

/** The whole lives of four cards, as the steps of their people. */
export function story(world: World, cards: Cards, days: Days): Step[] {
  return [
    ...beginning(world, days),
    ...issue(world, cards, days),
    ...activation(world, cards, days),
    ...firstEvening(world, cards, days),
    ...secondDay(world, cards, days),
    ...end(world, cards, days),
  ];
}

function beginning(world: World, { first }: Days): Step[] {
  return [
    {
      at: at(first, 8),
      actor: 'relying party',
      step: 'fetches the first list: empty, published when the CA began',
      expected: { status: 200, entries: 0 },
      run: async () => {
        const lists = await askUntil((a) => itemsOf(a).length > 0, 'GET', world.api('/crls?limit=100'));
        const { status } = await ask('GET', `${world.instance.address.url}/crl/complete.crl`);
        return { status, entries: itemsOf(lists).at(-1)?.['entryCount'] };
      },
    },
    {
      at: at(first, 9),
      actor: 'CA operator',
      step: 'puts four blank cards into stock',
      expected: { status: 201 },
      run: async () => {
        const json = { cardNumbers: world.cards.map((card) => card.cardNumber) };
        return statusOnly(
          await ask('POST', world.api('/card-stock'), { token: await world.instance.token('chen'), json }),
        );
      },
    },
    {
      actor: 'CA officer',
      step: 'registers the key that the registration office signs with',
      expected: { status: 200 },
      run: async () => {
        const json = { keys: [(await world.officeKey()).publicJwk] };
        const token = await world.instance.token('wang');
        return statusOnly(await ask('PUT', world.api('/registration-offices/office-63/keys'), { token, json }));
      },
    },
  ];
}

function issue(world: World, [one, two, three, four]: Cards, { first }: Days): Step[] {
  const selfApplication = (card: Card, who: string): Step[] => {
    let caseNumber = '';
    const key = `application-${card.cardNumber}`;
    return [
      {
        actor: 'subscriber',
        step: `${who} applies for a card and chooses a user code`,
        expected: { status: 201, state: 'received' },
        run: async () => {
          const answer = await ask('POST', world.api('/applications'), {
            headers: { 'idempotency-key': key },
            json: application(card),
          });
          caseNumber = String(answer.body['caseNumber']);
          return { status: answer.status, state: answer.body['state'] };
        },
      },
      {
        actor: 'application officer',
        step: `approves the stamped form of ${who}`,
        expected: { status: 200, state: 'approved', cardNumber: card.cardNumber },
        run: async () => {
          const token = await world.instance.token('lin');
          const { status, body } = await ask('POST', world.api(`/applications/${caseNumber}/approval`), {
            token,
            json: {},
          });
          return { status, state: body['state'], cardNumber: body['cardNumber'] };
        },
      },
      ...production(world, card),
    ];
  };
  return [
    ...selfApplication(one, 'the first company'),
    ...selfApplication(two, 'the second company'),
    {
      at: at(first, 10),
      actor: 'registration office',
      step: 'pushes the combined application of the third company, signed; nobody applies again',
      expected: { status: 201, state: 'approved' },
      run: async () => {
        const body = Buffer.from(JSON.stringify(combinedApplication(three)));
        const headers = {
          'idempotency-key': 'combined-3',
          'x-jws-signature': await signDetached(await world.officeKey(), body),
        };
        const token = await world.instance.token('office-63');
        const answer = await ask('POST', world.api('/combined-applications'), {
          token,
          headers,
          body,
          type: 'application/json',
        });
        return { status: answer.status, state: answer.body['state'] };
      },
    },
    ...production(world, three),
    ...selfApplication(four, 'the fourth company'),
  ];
}

function production(world: World, card: Card): Step[] {
  return [
    {
      actor: 'CA operator',
      step: `has the keys made on card ${card.cardNumber} and both certificates issued`,
      expected: { status: 200, state: 'issued', differentSerials: true },
      run: async () => {
        const token = await world.instance.token('chen');
        const { status, body } = await ask('POST', world.api(`/cards/${card.cardNumber}/personalisation`), {
          token,
          json: {},
        });
        const { signature, encryption } = (body['serials'] ?? {}) as { signature?: string; encryption?: string };
        card.serials = { sign: String(signature), enc: String(encryption) };
        return { status, state: body['state'], differentSerials: signature !== encryption };
      },
    },
    {
      actor: 'CA operator',
      step: `sends card ${card.cardNumber} by registered mail`,
      expected: { status: 200 },
      run: async () => {
        const token = await world.instance.token('chen');
        const json = { registeredMail: `123456-7890123${card.cardNumber.at(-1)}` };
        return statusOnly(await ask('POST', world.api(`/cards/${card.cardNumber}/dispatch`), { token, json }));
      },
    },
  ];
}

function activation(world: World, [one, two, three, four]: Cards, { first }: Days): Step[] {
  const activates = (card: Card, how: string): Step => ({
    actor: 'subscriber',
    step: `activates card ${card.cardNumber} by way ${card.way}: ${how}`,
    expected: { state: 'activated' },
    run: async () => ({ state: (await world.activate(card)).state }),
  });
  return [
    {
      actor: 'relying party',
      step: 'searches for a card before its activation: pending, not downloadable, good for OCSP',
      expected: { status: 'pending', download: 404, ocsp: 'good' },
      run: async () => ({
        status: await world.statusOf(four, 'pending'),
        download: (await ask('GET', world.api(`/certificates/${four.serials.sign}.cer`))).status,
        ocsp: await world.askOcsp('pending', four.serials.sign, 'good'),
      }),
    },
    {
      at: at(first, 14),
      actor: 'subscriber',
      step: 'tries to activate the first card with a wrong user code: capital letters count',
      expected: { status: 403, legacyCode: '3005' },
      run: async () => refusal((await world.activate(one, { userCode: one.userCode.toLowerCase() })).refusal),
    },
    activates(one, 'proof by the card, user code, a new PIN, a signature with it'),
    activates(two, 'the same'),
    activates(three, 'national ID and birth date, a new user code and contact address'),
    {
      actor: 'relying party',
      step: 'searches for the first card, downloads both certificates, asks OCSP',
      expected: { status: 'valid', downloads: [200, 200], ocsp: 'good' },
      run: async () => {
        const status = await world.statusOf(one, 'valid');
        const download = async (serial: string) => (await ask('GET', world.api(`/certificates/${serial}.cer`))).status;
        const downloads = [await download(one.serials.sign), await download(one.serials.enc)];
        return { status, downloads, ocsp: await world.askOcsp('good', one.serials.sign, 'good') };
      },
    },
    {
      actor: 'relying party',
      step: 'asks OCSP of a serial that was never issued',
      expected: 'unknown',
      run: () => world.askOcsp('unknown', `4${randomBytes(16).toString('hex').toUpperCase().slice(1)}`, 'unknown'),
    },
  ];
}

function firstEvening(world: World, [one, two]: Cards, { first, second }: Days): Step[] {
  const officer = (user: 'wang' | 'wu', path: string, json: unknown, key?: string) =>
    world.instance
      .token(user)
      .then((token) =>
        ask('POST', world.api(path), { token, json, ...(key && { headers: { 'idempotency-key': key } }) }),
      );
  let request = '';
  return [
    {
      at: at(first, 20),
      actor: 'CA officer',
      step: 'asks for the revocation of the second card: its key is compromised',
      expected: { status: 202 },
      run: async () => {
        const answer = await officer(
          'wang',
          `/cards/${two.cardNumber}/revocation`,
          { reason: 'keyCompromise', ground: '持卡人來電通報卡片遭竊' },
          'revoke-2',
        );
        request = String(answer.body['id']);
        return statusOnly(answer);
      },
    },
    {
      actor: 'CA officer',
      step: 'cannot approve a request of their own; another officer can',
      expected: { own: 403, other: 200 },
      run: async () => {
        const own = (await officer('wang', `/revocation-requests/${request}/approval`, {})).status;
        return { own, other: (await officer('wu', `/revocation-requests/${request}/approval`, {})).status };
      },
    },
    {
      actor: 'subscriber',
      step: 'finds that the second card can be neither resumed nor activated: 4931',
      expected: { resume: { status: 409, legacyCode: '4931' }, activate: { status: 409, legacyCode: '4931' } },
      run: async () => ({
        resume: refusal(await world.command(two, 'resumption')),
        activate: refusal((await world.activate(two)).refusal),
      }),
    },
    {
      actor: 'relying party',
      step: 'sees the second card revoked at once',
      expected: { status: 'revoked', ocsp: 'revoked/1' },
      run: async () => ({
        status: await world.statusOf(two, 'revoked'),
        ocsp: await world.askOcsp('keyCompromise', two.serials.sign, 'revoked/1'),
      }),
    },
    {
      at: at(first, 23, 50),
      actor: 'subscriber',
      step: 'tries to suspend the first card with a wrong user code',
      expected: { status: 403, legacyCode: '3005' },
      run: async () => refusal(await world.command(one, 'suspension', one.userCode.toLowerCase())),
    },
    {
      actor: 'subscriber',
      step: 'suspends it; the receipt names the coming midnight',
      expected: { status: 200, card: 'suspended', cut: second.toISOString() },
      run: async () => receipt(await world.command(one, 'suspension')),
    },
    {
      actor: 'relying party',
      step: 'sees it suspended at once, while the served list is still the empty one',
      expected: { status: 'suspended', ocsp: 'revoked/6', entriesServed: 0 },
      run: async () => ({
        status: await world.statusOf(one, 'suspended'),
        ocsp: await world.askOcsp('certificateHold', one.serials.sign, 'revoked/6'),
        entriesServed: (await world.servedList())?.['entryCount'],
      }),
    },
    {
      at: at(second, 0, 5),
      actor: 'system',
      step: 'publishes the list of midnight: the first card on hold, the second revoked',
      expected: { entries: 4, served: true },
      run: () => world.list(second),
    },
  ];
}

function secondDay(world: World, [one, , three]: Cards, { second, third }: Days): Step[] {
  return [
    {
      at: at(second, 10),
      actor: 'subscriber',
      step: 'resumes the first card; the receipt names the next midnight',
      expected: { status: 200, card: 'valid', cut: third.toISOString() },
      run: async () => receipt(await world.command(one, 'resumption')),
    },
    {
      actor: 'relying party',
      step: 'sees it valid at once, still on the served list',
      expected: { status: 'valid', ocsp: 'good', entriesServed: 4 },
      run: async () => ({
        status: await world.statusOf(one, 'valid'),
        ocsp: await world.askOcsp('good-again', one.serials.sign, 'good'),
        entriesServed: (await world.servedList())?.['entryCount'],
      }),
    },
    {
      at: at(second, 11),
      actor: 'subscriber',
      step: 'suspends the third card',
      expected: { status: 200, card: 'suspended', cut: third.toISOString() },
      run: async () => receipt(await world.command(three, 'suspension')),
    },
    {
      at: at(second, 15),
      actor: 'subscriber',
      step: 'finds the third card and resumes it before midnight',
      expected: { status: 200, card: 'valid', cut: third.toISOString() },
      run: async () => receipt(await world.command(three, 'resumption')),
    },
  ];
}

function end(world: World, [one, two, three, four]: Cards, { third }: Days): Step[] {
  return [
    {
      at: at(third, 0, 5),
      actor: 'system',
      step: 'publishes the list of the next midnight: the revoked card alone',
      expected: { entries: 2, served: true },
      run: () => world.list(third),
    },
    {
      actor: 'relying party',
      step: 'finds all four as they should be',
      expected: ['valid', 'revoked', 'valid', 'pending'],
      run: async () => {
        one.finalStatus = String(await world.statusOf(one, 'valid'));
        two.finalStatus = String(await world.statusOf(two, 'revoked'));
        three.finalStatus = String(await world.statusOf(three, 'valid'));
        four.finalStatus = String(await world.statusOf(four, 'pending'));
        return [one, two, three, four].map((card) => card.finalStatus);
      },
    },
  ];
}

const statusOnly = ({ status }: Answer) => ({ status });

const refusal = (answer?: Answer) => ({ status: answer?.status, legacyCode: answer?.body['legacyCode'] });

function receipt({ status, body }: Answer) {
  return { status, card: body['status'], cut: new Date(String(body['cut'])).toISOString() };
}
