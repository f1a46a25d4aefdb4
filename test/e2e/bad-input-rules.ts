import { beforeAll, describe, expect, it } from '@jest/globals';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { systemClock } from '#libs/clock';
import { signDetached } from '#libs/credentials';
import { application, combinedApplication, storyCards } from '../demo/cards.js';
import { ask, askUntil, type Answer } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';
import { ocspRequest, ocspStatus } from '../demo/ocsp.js';
import { play } from '../demo/run.js';
import { story } from '../demo/story.js';
import { itemsOf, storyDays, World } from '../demo/world.js';

const EDGE_BODY_BYTES = 256 * 1024;
/** Of the same at once; what counts is one code in both profiles, the edge sees enough of them. */
const SAME = { embedded: 100, distributed: 20 };
const HAN = '開卡測試午夜清冊'.repeat(8);
const RARE = '𠮷'.repeat(64);
const WRONG_ID = 'A123456788';

/** Suite: what the rules of the field refuse, and what a hundred of the same come to. Begins the demo's story. */
export function badInputRules(instance: Instance): void {
  const cards = storyCards();
  const [card, spare, third] = cards;
  const world = new World(instance, cards);

  /** One card issued and activated, three blank ones in stock. */
  beforeAll(async () => {
    const steps = story(world, cards, storyDays(systemClock().now()));
    const activation = steps.find(({ step }) => step.startsWith(`activates card ${card.cardNumber}`))!;
    const lines = await play(instance, [...steps.slice(0, 7), activation], () => {});
    expect(lines.filter((line) => !line.ok)).toEqual([]);
    await world.statusOf(card, 'valid');
  }, 120_000);

  const apply = (change: object, key?: string): Promise<Answer> =>
    ask('POST', world.api('/applications'), {
      json: { ...application(spare), ...change },
      ...(key && { headers: { 'idempotency-key': key } }),
    });
  const applications = async () =>
    itemsOf(await ask('GET', world.api('/applications?limit=100'), { token: await world.instance.token('lin') }));
  const named = ({ body }: Answer) => (body['errors'] as { at: string }[] | undefined)?.map((error) => error.at);
  const atOnce = (one: () => Promise<Answer>) => Promise.all(Array.from({ length: SAME[instance.profile.name] }, one));
  const different = (answers: unknown[]) => [...new Set(answers.map((answer) => JSON.stringify(answer)))];

  it.each([
    ['64 Han characters', HAN],
    ['64 characters beyond the first plane', RARE],
    ['an ideograph that NFC would replace', '兀\ufa0c﨑\ufa11金樂有限公司'],
    ['an apostrophe', `O'Neil's "開卡" & Söhne有限公司`],
    ['SQL', `'; drop table application; --有限公司`],
    ['script', `<script>alert('開卡')</script>`],
  ])('takes a name of %s as it is', async (_what, name) => {
    const { status, body } = await apply({ name });
    expect(status).toBe(201);
    const found = (await applications()).find((item) => item['caseNumber'] === body['caseNumber']);
    expect(found?.['name']).toBe(name);
  });

  it.each([
    ['a name of 65 Han characters', { name: `${HAN}公` }, '/name'],
    ['a name of 65 characters beyond the first plane', { name: `${RARE}𠮷` }, '/name'],
    ['a private-use character in a name', { name: '開卡\ue000有限公司' }, '/name'],
    ['a 統一編號 with a wrong check digit', { ubn: '12345678' }, '/ubn'],
    ['a 統一編號 of full-width digits', { ubn: '１２３４５６７５' }, '/ubn'],
    ['a 統一編號 that is a number', { ubn: 12345675 }, '/ubn'],
    ['a user code with a blank', { userCode: 'Kaika 2026' }, '/userCode'],
  ])('refuses %s for good, by its name', async (_what, change, at) => {
    const before = (await applications()).length;
    const answer = await apply({ ...change, representative: { name: '林測試', confirmed: true } });
    expect({ status: answer.status, named: named(answer) }).toEqual({ status: 400, named: [at] });
    expect(answer.body).not.toHaveProperty('confirmable');
    expect(await applications()).toHaveLength(before);
  });

  it('asks whether an unusual national ID is right, and takes it once that is said', async () => {
    const before = (await applications()).length;
    const person = { name: '林測試', nationalId: WRONG_ID };
    const answer = await apply({ representative: person });
    expect(answer).toMatchObject({ status: 422, body: { confirmable: true } });
    expect(named(answer)).toEqual(['/representative/nationalId']);
    expect(answer.bytes.toString()).not.toContain(WRONG_ID);
    expect(await applications()).toHaveLength(before);
    const confirmed = await apply({ representative: { ...person, confirmed: true } });
    expect(confirmed.status).toBe(201);
    const found = (await applications()).find((item) => item['caseNumber'] === confirmed.body['caseNumber']);
    expect(found).toMatchObject({ nationalIdConfirmed: true });
  });

  it.each(['1120229', '1121301', '9991231', '19760221', '０７６０２２１', { year: 112, month: 2, day: 29 }])(
    'refuses the birth date %j by its name',
    async (birthDate) => {
      const { representative, ...rest } = combinedApplication(third);
      const body = Buffer.from(JSON.stringify({ ...rest, representative: { ...representative, birthDate } }));
      const answer = await ask('POST', world.api('/combined-applications'), {
        token: await instance.token('office-63'),
        headers: {
          'idempotency-key': 'unborn',
          'x-jws-signature': await signDetached(await world.officeKey(), body),
        },
        body,
        type: 'application/json',
      });
      expect([answer.status, ...new Set(named(answer))]).toEqual([400, '/representative/birthDate']);
    },
  );

  it('takes an application once, however often and however fast it comes with one key', async () => {
    const before = (await applications()).length;
    const answers = await atOnce(() => apply({}, 'a-hundred-times'));
    expect(different(answers.map(({ status, body }) => ({ status, case: body['caseNumber'] })))).toHaveLength(1);
    expect(answers[0]!.status).toBe(201);
    expect(await applications()).toHaveLength(before + 1);
    const other = await apply({ name: '別的有限公司' }, 'a-hundred-times');
    expect(other).toMatchObject({ status: 422, body: { type: 'urn:kaika:error:idempotencyKeyReused' } });
    expect(await applications()).toHaveLength(before + 1);
  }, 180_000);

  it('approves an application once: one card leaves the stock', async () => {
    const operator = await instance.token('chen');
    const officer = await instance.token('lin');
    const stock = async () => (await ask('GET', world.api('/card-stock'), { token: operator })).body;
    const before = await stock();
    const caseNumber = String((await apply({})).body['caseNumber']);
    const answers = await atOnce(() =>
      ask('POST', world.api(`/applications/${caseNumber}/approval`), { token: officer, json: {} }),
    );
    const approved = answers.filter(({ status }) => status === 200);
    expect(different(approved.map(({ body }) => body))).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const after = await stock();
    expect(Number(before['blank']) - Number(after['blank'])).toBe(1);
  }, 60_000);

  it('suspends a card once, and resumes it once: a row in the status log for each', async () => {
    const token = await instance.tokenFor(['service']);
    const kinds = async () => {
      const { body } = await ask('GET', world.api('/status-log'), { token });
      return (body['rows'] as { kind: string }[]).map(({ kind }) => kind);
    };
    const before = await kinds();
    for (const [command, kind] of [
      ['suspension', 'suspended'],
      ['resumption', 'resumed'],
    ] as const) {
      const answers = await atOnce(() => world.command(card, command));
      const done = answers.filter(({ status }) => status === 200);
      expect(different(done.map(({ body }) => body['id']))).toHaveLength(1);
      // Each counts as a guess until it is known to be right.
      expect(answers.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
      before.push(kind);
      expect(await kinds()).toEqual(before);
    }
    await world.statusOf(card, 'valid');
  }, 90_000);

  describe('answers OCSP requests that are none with malformedRequest', () => {
    const MALFORMED = '30030a0101';
    const post = (body: Uint8Array, type = 'application/ocsp-request') =>
      ask('POST', `${instance.address.url}/ocsp`, { body, type });
    let issuer: Buffer;
    let good: Buffer;

    beforeAll(async () => {
      const { url } = instance.address;
      const found = await askUntil(
        (answer) => itemsOf(answer).length > 0,
        'GET',
        world.api(`/certificates?cardNumber=${card.cardNumber}`),
      );
      issuer = (await ask('GET', `${url}/ca/${String(itemsOf(found)[0]!['issuerSki'])}.cer`)).bytes;
      good = await ocspRequest(issuer, card.serials.sign);
    }, 60_000);

    const changed = (change: (request: pkijs.OCSPRequest) => void): Buffer => {
      const request = pkijs.OCSPRequest.fromBER(new Uint8Array(good));
      change(request);
      return Buffer.from(request.toSchema(true).toBER());
    };
    const extension = (critical: boolean) => (request: pkijs.OCSPRequest) => {
      const extnValue = new asn1js.Null().toBER();
      request.tbsRequest.requestExtensions = [new pkijs.Extension({ extnID: '2.999.1', critical, extnValue })];
    };
    const certificates = (count: number) => (request: pkijs.OCSPRequest) => {
      const [one] = request.tbsRequest.requestList;
      request.tbsRequest.requestList = Array.from({ length: count }, () => one!);
    };

    /** The edge takes no body of that size, and no path that is none: it says so, and OCSP is not asked. */
    const refusedByEdge = ({ status, body }: Answer) =>
      instance.profile.name === 'distributed' && [400, 413].includes(status) && body['status'] === status;

    it.each<[string, () => Uint8Array]>([
      ['empty', () => Buffer.alloc(0)],
      ['1 MB', () => Buffer.alloc(1_000_000, 0x30)],
      ['no DER', () => Buffer.from('GET / HTTP/1.1')],
      ['of an indefinite length', () => Buffer.concat([Buffer.from([0x30, 0x80]), good.subarray(4), Buffer.alloc(2)])],
      ['cut short', () => good.subarray(0, -1)],
      ['followed by more', () => Buffer.concat([good, Buffer.from([0])])],
      ['2,000 deep', () => nested(2_000)],
      ['of no certificate', () => changed(certificates(0))],
      ['of 1,000 certificates', () => changed(certificates(1_000))],
      ['of an unknown critical extension', () => changed(extension(true))],
    ])('%s', async (_what, request) => {
      const answer = await post(request());
      if (request().length > EDGE_BODY_BYTES && refusedByEdge(answer)) return;
      expect([answer.status, answer.bytes.toString('hex')]).toEqual([200, MALFORMED]);
    });

    it('in a path, too', async () => {
      for (const path of ['MAA%3D', 'x'.repeat(7_000), '%00', '%E0%A4%A', '..%2f..%2fetc%2fpasswd']) {
        const answer = await ask('GET', `${instance.address.url}/ocsp/${path}`);
        if (path.includes('%') && refusedByEdge(answer)) continue;
        expect([answer.status, answer.bytes.toString('hex')]).toEqual([200, MALFORMED]);
      }
    });

    it('and good ones with the status, an unknown extension or not', async () => {
      for (const request of [good, changed(extension(false)), changed(certificates(100))]) {
        const answer = await post(request);
        expect([answer.status, ocspStatus(answer.bytes)]).toEqual([200, 'good']);
      }
    });
  });
}

/** Sequences in sequences. */
function nested(depth: number): Buffer {
  let der: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level += 1) {
    const length = der.length < 128 ? [der.length] : [0x82, der.length >> 8, der.length & 0xff];
    der = Buffer.concat([Buffer.from([0x30, ...length]), der]);
  }
  return der;
}
