import { describe, expect, it } from '@jest/globals';
import { FORM, REPRESENTATIVE, USER_CODE, withAcceptance } from './acceptance.fixture.js';
import type { Holder } from './holder.fixture.js';
import {
  completeReset,
  finishPin,
  mailedCode,
  NEW_PIN,
  playReset,
  pressReset,
  pressResume,
  unlock,
} from './pin.fixture.js';

const PIN = '13579246';
const WHAT_IS_WRONG = '負責人姓名寫錯了';
const running = withAcceptance();

describe('nothing secret and nothing personal', () => {
  it('is in a log line, a table or a record of the bus, at the finest level, whatever was done', async () => {
    const { bench } = running;
    const secrets = new Set([
      ...[USER_CODE, PIN, WHAT_IS_WRONG, FORM.email, FORM.newUserCode, REPRESENTATIVE.nationalId],
      ...[`"${REPRESENTATIVE.birthDate}`, '1987-02-21', 'wrong-1', 'Newer#26', 'A223456781', 'Third#26'],
    ]);
    const [wayA, wayB, refused] = [
      await bench.issueCard(),
      await bench.issueCard({ way: 'B' }),
      await bench.issueCard({ way: 'B' }),
    ];
    for (const holder of [wayA, wayB, refused]) secrets.add(holder.transportPin);

    await bench.press(wayA, 'wrong-1');
    await finish(wayA, await bench.press(wayA));
    await bench.pressForm(wayB, { nationalId: 'A223456781' });
    await finish(wayB, await bench.pressForm(wayB));
    const report = { ...REPRESENTATIVE, whatIsWrong: WHAT_IS_WRONG };
    expect((await bench.pressWith(refused, 'B', report, 'refusal')).status).toBe(200);
    await bench.pressForm(refused, { newUserCodeAgain: 'wrong-1' });
    const change = { userCode: USER_CODE, newUserCode: 'Newer#26', newUserCodeAgain: 'Newer#26' };
    const at = `/cards/${wayA.sample.cardNumber}/user-code`;
    expect((await bench.call('PUT', at, change)).status).toBe(200);
    expect((await bench.call('PUT', at, change)).status).toBe(403);
    secrets.add(await forget(wayB, 'Third#26'));
    for (const secret of await byPuk(wayA, 'Newer#26')) secrets.add(secret);

    const sent = ['kaika.acceptance.v1', 'kaika.credential.v1'];
    await until(async () => {
      const records = (await Promise.all(sent.map((topic) => bench.published(topic)))).flat();
      return records.length === 2 + 1 + 1 + 3 + 1 + 3;
    });
    const heal = await bench.refuseWrites('evidence', 'insert');
    expect((await bench.press(await bench.issueCard())).status).toBe(500);
    await heal();

    const bus = (await Promise.all(sent.map((topic) => bench.published(topic)))).join();
    const texts = { stored: await stored(), log: bench.log, bus };
    for (const text of [texts.stored, texts.bus]) expect(text).toContain(wayB.sample.cardNumber);
    expect(texts.log).toContain('told to fail');
    for (const [where, text] of Object.entries(texts)) {
      for (const secret of secrets) {
        const forms = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64url')];
        for (const form of forms)
          expect({ where, form, found: text.includes(form) }).toEqual({ where, form, found: false });
      }
    }
  }, 60_000);
});

async function finish(holder: Holder, { session, body }: Awaited<ReturnType<typeof running.bench.press>>) {
  const now = running.bench.clock.now();
  const { transportPin } = await holder.openJob(body.pinJob, session.id, running.bench.jobKey, now);
  await holder.changePin(transportPin, PIN);
  const answer = await running.bench.complete(session, await holder.confirm(PIN, session, body.nonce));
  expect(answer.status).toBe(200);
}

/** A forgotten PIN, a locked card, its unlocking, its next PIN. @returns all that was in jobs and mails */
async function byPuk(holder: Holder, userCode: string): Promise<string[]> {
  const { bench } = running;
  const { cardNumber } = holder.sample;
  await pressReset(bench, holder, { userCode: 'wrong-1' });
  await pressReset(bench, holder, { userCode });
  const emailCode = await mailedCode(bench, holder);
  const reset = await pressReset(bench, holder, { userCode, emailCode });
  const job = await holder.openAny(reset.body.job, reset.session.id, bench.jobKey, bench.clock.now());
  if (job.kind !== 'reset-pin') throw new Error(`a job to ${job.kind}`);
  const { signature } = await playReset(bench, holder, reset);
  expect((await completeReset(bench, reset, signature)).status).toBe(200);

  const session = (await bench.call('POST', '/lock-reports', { cardNumber })).body as { id: string; nonce: string };
  const proof = await holder.prove(session, { purpose: 'unlock' });
  await bench.call('POST', `/lock-reports/${session.id}/proof`, { proof });
  expect((await unlock(bench, holder)).status).toBe(200);
  await finishPin(bench, holder, await pressResume(bench, holder, userCode));
  const puks = [1, 2, 3].map((generation) => bench.pukOf(holder, generation));
  return [...puks, bench.transportPinOf(holder, 2), job.oneUsePin, emailCode, NEW_PIN];
}

/** @returns the one-time code */
async function forget(holder: Holder, newUserCode: string): Promise<string> {
  const { bench } = running;
  const { cardNumber } = holder.sample;
  const session = (await bench.call('POST', '/user-codes', { cardNumber })).body as { id: string; nonce: string };
  const proof = await holder.prove(session, { purpose: 'user-code-reset' });
  await bench.call('POST', `/user-codes/${session.id}/proof`, { proof });
  const [requested] = await bench.events('one-time-code.requested', holder);
  const { code } = await bench.unseal('one-time-code.requested', requested!);
  const body = { oneTimeCode: code, newUserCode, newUserCodeAgain: newUserCode };
  expect((await bench.call('POST', `/user-codes/${session.id}/completion`, body)).status).toBe(200);
  return code;
}

async function stored(): Promise<string> {
  const { bench } = running;
  const tables = await bench.sql<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'acceptance'`,
  );
  let text = '';
  for (const { name } of tables) {
    text += (await bench.sql<{ row: string }>(`select t::text as row from "${name}" t`)).map(({ row }) => row).join();
  }
  return text;
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await check())) if (performance.now() > deadline) throw new Error('it did not happen within 15 s');
}
