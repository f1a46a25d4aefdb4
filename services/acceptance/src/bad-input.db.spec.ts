import { beforeAll, describe, expect, it } from '@jest/globals';
import { FORM, REPRESENTATIVE, USER_CODE, withAcceptance } from './acceptance.fixture.js';
import type { Holder } from './holder.fixture.js';

const running = withAcceptance();
const SCRIPT = `<script>alert('x')</script>`;
const SQL = `'; drop table card; --`;
const FULL_WIDTH = '０１２３４５６７';
const SESSION = '7f4f4bd2-7b1d-4c0f-8a51-7f43bd5f1c11';
const LONG = 'x'.repeat(10_000);
/** Of every type, whatever the field's own is not. */
const NO_TEXT = [null, 5, true, [], {}, ['x']];
const NO_USER_CODE = [
  ...NO_TEXT,
  '',
  'short',
  'elevenchars',
  'with blank',
  'täg#2026',
  FULL_WIDTH,
  'x\u0000xxxxx',
  LONG,
];
const NO_CARD_NUMBER = [...NO_TEXT, '', 'X', 'TT0000000000001', 'TT000000000000011', 'ＴＴ00000000000001', SQL, SCRIPT, LONG]; // prettier-ignore

interface Case {
  method: 'POST' | 'PUT';
  path: (holder: Holder) => string;
  /** The body that would do. */
  good: object;
  /** By field (`proof/x`: of the proof), what it must not be. */
  bad: Record<string, readonly unknown[]>;
  /** Fields that may be left out. */
  optional?: readonly string[];
}

const proofIn = (path: (id: string) => string) => () => path(SESSION);
const PROOF = {
  ...{ purpose: 'accept', origin: 'https://portal.example', session: SESSION, cardUuid: SESSION, cardNumber: 'TT00000000000001' },
  ...{ nonce: 'A'.repeat(43), signatureCertificateSha256: 'A'.repeat(43), encryptionCertificateSha256: 'A'.repeat(43) },
  ...{ ephemeralKey: 'A'.repeat(120), signature: 'A'.repeat(90) },
}; // prettier-ignore
const BAD_PROOFS = [...NO_TEXT, 'x', LONG];
const BAD_OCTETS = [...NO_TEXT, '', 'A', SQL, 'A'.repeat(5_000), `${'A'.repeat(42)}=`, 'é'.repeat(43)];
const BAD_PROOF_FIELDS = {
  'proof/purpose': [...NO_TEXT, '', 'activate', SQL],
  'proof/origin': [...NO_TEXT, LONG],
  'proof/nonce': BAD_OCTETS,
  'proof/session': [...NO_TEXT, '', LONG],
  'proof/cardUuid': [...NO_TEXT, '', 'x', LONG],
  'proof/cardNumber': [...NO_TEXT, '', LONG],
  'proof/signatureCertificateSha256': BAD_OCTETS,
  'proof/encryptionCertificateSha256': BAD_OCTETS,
  'proof/ephemeralKey': BAD_OCTETS,
  'proof/signature': BAD_OCTETS,
};
const BAD_PERSON = {
  nationalId: [
    ...NO_TEXT,
    '',
    '   ',
    'Ａ123456789',
    FULL_WIDTH,
    'A'.repeat(21),
    'A12\n345',
    '身分證',
    'A\u00001',
    LONG,
  ],
  birthDate: [
    ...[null, 5, true, [], ['0760221'], {}, { year: 76 }, { year: '76', month: 2, day: 21 }],
    ...[
      { year: 76, month: 2, day: 21, hour: 1 },
      { year: 76.5, month: 2, day: 21 },
      { year: 1e300, month: 2, day: 21 },
    ],
    ...['', '1120229', { year: 112, month: 2, day: 29 }, '1121301', '1120100', '0000101', '1987-02-21', '19870221'],
    ...['０７６０２２１', '7602', SQL, LONG],
    ...['9991231', { year: 999, month: 12, day: 31 }], // in the future
  ],
  confirmed: [null, 1, 'true', 'yes', [], {}],
};
const BAD_NEW_CODE = { newUserCode: NO_USER_CODE, newUserCodeAgain: [...NO_TEXT, '', 'Other#2026', LONG] };

const CASES: Record<string, Case> = {
  'POST /activations': {
    method: 'POST',
    path: () => '/activations',
    good: { cardNumber: 'TT00000000000001', way: 'A' },
    bad: { cardNumber: NO_CARD_NUMBER, way: [...NO_TEXT, '', 'a', 'C', 'Ａ', SQL] },
  },
  'POST /activations/{id}/acceptance, way A': {
    method: 'POST',
    path: proofIn((id) => `/activations/${id}/acceptance`),
    good: { proof: PROOF, userCode: USER_CODE },
    bad: { proof: BAD_PROOFS, ...BAD_PROOF_FIELDS, userCode: NO_USER_CODE, ...{ email: [FORM.email], birthDate: ['0760221'] } }, // prettier-ignore
    optional: ['email', 'birthDate'],
  },
  'POST /activations/{id}/acceptance, way B': {
    method: 'POST',
    path: proofIn((id) => `/activations/${id}/acceptance`),
    good: { proof: PROOF, ...FORM },
    bad: {
      ...BAD_PERSON,
      email: [...NO_TEXT, '', 'x', '@example.com', 'a@b', 'a@@example.com', 'a b@example.com', 'ａ@example.com', 'a@example.com\nbcc:x@example.com', `${LONG}@example.com`, SQL, SCRIPT], // prettier-ignore
      ...BAD_NEW_CODE,
    },
    optional: ['confirmed'],
  },
  'POST /activations/{id}/refusal': {
    method: 'POST',
    path: proofIn((id) => `/activations/${id}/refusal`),
    good: { proof: PROOF, ...REPRESENTATIVE, whatIsWrong: '公司名稱' },
    bad: {
      proof: BAD_PROOFS,
      ...BAD_PERSON,
      whatIsWrong: [...NO_TEXT, '', ' \n ', 'x'.repeat(1_001), 'a\u0000b', 'a\u0007b', 'a\u202eb', '\ue000', '\ud800'],
    },
    optional: ['confirmed'],
  },
  'POST /activations/{id}/completion': {
    method: 'POST',
    path: proofIn((id) => `/activations/${id}/completion`),
    good: { signature: 'A'.repeat(90) },
    bad: { signature: [...NO_TEXT, '', 'A', 'A'.repeat(701), `${'A'.repeat(90)}=`, SQL, FULL_WIDTH] },
  },
  'PUT /cards/{n}/user-code': {
    method: 'PUT',
    path: ({ sample }) => `/cards/${sample.cardNumber}/user-code`,
    good: { userCode: USER_CODE, newUserCode: 'Newer#26', newUserCodeAgain: 'Newer#26' },
    bad: { userCode: NO_USER_CODE, ...BAD_NEW_CODE, newUserCode: [...NO_USER_CODE, USER_CODE] },
  },
  'POST /user-codes': {
    method: 'POST',
    path: () => '/user-codes',
    good: { cardNumber: 'TT00000000000001' },
    bad: { cardNumber: NO_CARD_NUMBER },
  },
  'POST /user-codes/{id}/proof': {
    method: 'POST',
    path: proofIn((id) => `/user-codes/${id}/proof`),
    good: { proof: PROOF },
    bad: { proof: BAD_PROOFS, ...BAD_PROOF_FIELDS },
  },
  'POST /user-codes/{id}/completion': {
    method: 'POST',
    path: proofIn((id) => `/user-codes/${id}/completion`),
    good: { oneTimeCode: '12345678', newUserCode: 'Newer#26', newUserCodeAgain: 'Newer#26' },
    bad: { oneTimeCode: [...NO_TEXT, '', '1234567', '123456789', FULL_WIDTH, '1234567x', ' 1234567', SQL], ...BAD_NEW_CODE },
  },
}; // prettier-ignore

/** `good` with one field, perhaps of `proof`, set or left out. */
function changed(good: object, field: string, value: unknown): object {
  const [outer, inner] = field.split('/') as [string, string?];
  const old = (good as Record<string, unknown>)[outer];
  return { ...good, [outer]: inner ? { ...(old as object), [inner]: value } : value };
}

const TABLES = [
  'card',
  'verifier',
  'activation',
  'user_code_reset',
  'evidence',
  'outbox',
  'attempt',
  'inbox',
  'dead_letter',
];
async function everything(): Promise<unknown> {
  const all: Record<string, unknown> = {};
  for (const table of TABLES)
    all[table] = await running.bench.sql(`select t::text as row from "${table}" t order by 1`);
  return all;
}

let holder: Holder;
let before: unknown;
beforeAll(async () => {
  holder = await running.bench.issueCard();
  before = await everything();
}, 60_000);

describe.each(Object.entries(CASES))('%s', (_name, { method, path, good, bad, optional = [] }) => {
  const send = (body: unknown) => running.bench.call(method, path(holder), body);

  it('names each bad field, echoes none, changes nothing', async () => {
    const sent = Object.entries(bad).flatMap(([field, values]) => [
      ...values.map((value) => ({ field, body: changed(good, field, value) })),
      ...(optional.includes(field) ? [] : [{ field, body: changed(good, field, undefined) }]),
    ]);
    for (const { field, body } of sent) {
      const answer = await send(body);
      const shown = JSON.stringify(body).slice(0, 200);
      expect({ shown, status: answer.status, type: answer.body.type }).toEqual({
        shown,
        status: 400,
        type: 'urn:kaika:error:invalidRequest',
      });
      const named = (answer.body.errors as { at: string }[]).map(({ at }) => at);
      expect({ shown, named: named.some((at) => at.startsWith(`/${field}`) || isCounterpart(at, field)) }).toEqual({
        shown,
        named: true,
      });
      const text = JSON.stringify(answer.body);
      for (const secret of [
        USER_CODE,
        FORM.newUserCode,
        'Newer#26',
        REPRESENTATIVE.nationalId,
        '0760221',
        '12345678',
      ]) {
        expect(text).not.toContain(secret);
      }
      expect(text.length).toBeLessThan(3_000);
    }
    expect(await everything()).toEqual(before);
  });

  it('takes nothing it does not know, and no body but an object', async () => {
    for (const body of [{ ...good, extra: 1 }, { ...good, __proto__x: {} }, [], null, 'text', 5, [good]]) {
      const answer = await send(JSON.stringify(body));
      expect({ body, status: answer.status }).toEqual({ body, status: 400 });
    }
    const unknown = await send({ ...good, pin: '135792' });
    expect(unknown.body.errors).toEqual([{ at: '/pin', problem: 'is not known here' }]);
    for (const broken of ['', '{', '{"a":', 'null,', `${'['.repeat(5_000)}`, '{"a":1}}', '\ufeff']) {
      expect([400, 415]).toContain((await send(broken)).status);
    }
    expect(await everything()).toEqual(before);
  });
});

/** Both ways are in one body: what is wrong beside a user code is the other way's field, and the code where it lacks. */
function isCounterpart(at: string, field: string): boolean {
  return (field === 'userCode' && at === '/userCode') || (field === 'newUserCode' && at === '/newUserCodeAgain');
}

describe('a path', () => {
  it.each(['x', SQL, LONG.slice(0, 500), '%00', '..%2f', FULL_WIDTH, SESSION.slice(1)])(
    'of %s is refused',
    async (id) => {
      const at = encodeURIComponent(id);
      const { bench } = running;
      const answers = [
        await bench.call('GET', `/activations/${at}`),
        await bench.call('POST', `/activations/${at}/acceptance`, { proof: PROOF, userCode: USER_CODE }),
        await bench.call('POST', `/activations/${at}/refusal`, { proof: PROOF, userCode: USER_CODE, whatIsWrong: 'x' }),
        await bench.call('POST', `/activations/${at}/completion`, { signature: 'A'.repeat(90) }),
        await bench.call('POST', `/user-codes/${at}/proof`, { proof: PROOF }),
        await bench.call('PUT', `/cards/${at}/user-code`, CASES['PUT /cards/{n}/user-code']!.good),
      ];
      for (const { status } of answers) expect(status).toBe(400);
      expect(await everything()).toEqual(before);
    },
  );

  it('of a session that does not exist is 404', async () => {
    const { bench } = running;
    for (const [name, { path, good }] of Object.entries(CASES)) {
      if (!name.includes('{id}')) continue;
      expect({ name, status: (await bench.call('POST', path(holder), good)).status }).toEqual({ name, status: 404 });
    }
  });
});

describe('script and SQL', () => {
  it('in a national ID are an unusual one, which may be confirmed, and no more', async () => {
    const { bench } = running;
    for (const nationalId of [`' OR 1=1; --`, '<b>x</b>', '${7*7}', '%s%n', '12345678']) {
      const body = { proof: PROOF, ...FORM, nationalId };
      const warned = await bench.call('POST', `/activations/${SESSION}/acceptance`, body);
      expect(warned).toMatchObject({ status: 422, body: { confirmable: true } });
      expect(JSON.stringify(warned.body)).not.toContain(nationalId);
      const answer = await bench.call('POST', `/activations/${SESSION}/acceptance`, { ...body, confirmed: true });
      expect(answer.status).toBe(404);
    }
  });
});
