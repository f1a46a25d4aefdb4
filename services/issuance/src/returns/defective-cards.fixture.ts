import { describe, expect, it } from '@jest/globals';
import { ensureSecretKey, openRecord } from '#libs/credentials';
import { migrate, type TestDatabase } from '#libs/database';
import { Housekeeping } from '#libs/host';
import { issuance } from '../index.js';
import { type IssuanceBench, USER_CODE } from '../issuance.fixture.js';
import { Returns1764000007000 } from '../migrations/1764000007000-returns.js';
import { LETTER, PERSONAL, type ReturnsBench } from './returns.fixture.js';

const DAY_MS = 86_400_000;

interface Started {
  bench: IssuanceBench;
  returns: ReturnsBench;
}

/** Of the file that has started the service, which these share: `started` is called when a test runs. */
export function defectiveCards(started: () => Started): void {
  describe('a defective card', () => {
    it('is to be revoked, in one event with the new application: same holder, rank, verifier; a card from stock', async () => {
      const { bench, returns } = started();
      const cardNumber = await returns.issuedCard();
      await bench.stock(1);
      const { caseNumber, slipCode } = await returns.identified(cardNumber);
      const { body } = await returns.decided(caseNumber, 'defective');
      const { newCaseNumber } = body['case'] as { newCaseNumber: string };
      expect((await bench.events('card.defective', cardNumber)).map(({ data }) => data)).toEqual([
        { cardNumber, caseNumber, at: expect.any(String) },
      ]);
      const columns = 'kind, name, branch, county, ubn, certificate_email, rank, way, verifier, national_id_confirmed';
      const [now] = await bench.source.query(
        `select ${columns}, state, decided_by from application where case_number = $1`,
        [newCaseNumber],
      );
      const [old] = await bench.source.query(
        `select ${columns} from application join card using (case_number) where card_number = $1`,
        [cardNumber],
      );
      expect(now).toEqual({ ...old, state: 'approved', decided_by: 'ben' });
      const [{ personal }] = await bench.source.query('select personal from application where case_number = $1', [
        newCaseNumber,
      ]);
      const dataKey = ensureSecretKey(bench.file('data-key'));
      expect(await openRecord(dataKey, { table: 'application', id: newCaseNumber }, personal)).toEqual(PERSONAL);
      // The holder's code of the application opens the new case; its personal data are sealed to the new row.
      const asked = await bench.call('GET', `/api/v1/applications/${newCaseNumber}`, { headers: { 'x-user-code': USER_CODE } }); // prettier-ignore
      expect(asked.body).toMatchObject({ state: 'approved', card: { state: 'assigned' } });
      const { cardNumber: fresh } = asked.body['card'] as { cardNumber: string };
      expect(fresh).not.toBe(cardNumber);
      expect(await bench.operate(`/cards/${fresh}/personalisation`, {})).toMatchObject({ status: 200 });
      // The case ends with the new card's dispatch.
      expect((await returns.sendBack(caseNumber)).status).toBe(409);
      await bench.operate(`/cards/${fresh}/dispatch`, { registeredMail: '55555555555555' });
      expect((await returns.progress(caseNumber, slipCode)).body).toMatchObject({
        ...{ state: 'sent-back', outcome: 'defective', registeredMail: '55555555555555', newCaseNumber },
      });
    });

    it('is told of after what is being written of it: its row is locked first', async () => {
      const { bench, returns } = started();
      const cardNumber = await returns.issuedCard();
      await bench.stock(1);
      const { caseNumber } = await returns.identified(cardNumber);
      const { body } = await returns.ask(caseNumber, 'defective');
      let approval: Promise<string> | undefined;
      await bench.source.transaction(async (tx) => {
        await tx.query('select 1 from card where card_number = $1 for update', [cardNumber]);
        let ended = false as boolean;
        approval = returns.approve(body['id']).then(({ status }) => ((ended = true), String(status)));
        const waits = async () =>
          (await bench.source.query<unknown[]>(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'select 1 from card where%'`,
          )).length > 0; // prettier-ignore
        while (!ended && !(await waits()));
        expect(ended).toBe(false);
        expect(await bench.events('card.defective', cardNumber)).toEqual([]);
      });
      expect(await approval).toBe('200');
      expect(await bench.events('card.defective', cardNumber)).toHaveLength(1);
    });

    it('of a combined application gets its new card by the representative’s data, without another push', async () => {
      const { bench, returns } = started();
      const cardNumber = await returns.issuedCard({ way: 'B' });
      await bench.stock(1);
      const { caseNumber } = await returns.identified(cardNumber);
      const { body, status } = await returns.decided(caseNumber, 'defective');
      expect(status).toBe(200);
      const { newCaseNumber } = body['case'] as { newCaseNumber: string };
      const [row] = await bench.source.query(
        'select way, representative_verifier is not null as verifier, office, push from application where case_number = $1',
        [newCaseNumber],
      );
      expect(row).toEqual({ way: 'B', verifier: true, office: null, push: null });
    });

    it('waits for stock where there is none', async () => {
      const { bench, returns } = started();
      await bench.source.query(`update card set state = 'defective', defect = 'test', defective_at = now(), defective_by = 'test' where state = 'blank'`); // prettier-ignore
      const { caseNumber } = await returns.identified(await returns.issuedCard());
      const { body } = await returns.decided(caseNumber, 'defective');
      const { newCaseNumber } = body['case'] as { newCaseNumber: string };
      const state = async () => ((await bench.source.query('select state from application where case_number = $1', [newCaseNumber])) as [{ state: string }])[0].state; // prettier-ignore
      expect(await state()).toBe('waiting-for-stock');
      await bench.stock(1);
      expect(await state()).toBe('approved');
    });

    it('that is revoked or expired already gets no free one', async () => {
      const { bench, returns } = started();
      const expired = await returns.identified(await returns.issuedCard({ notAfter: '2026-01-01T15:59:59Z' }));
      expect(await returns.ask(expired.caseNumber, 'defective')).toMatchObject({ status: 409, body: { type: 'urn:kaika:error:cardExpired' } }); // prettier-ignore
      const cardNumber = await returns.issuedCard();
      const { caseNumber } = await returns.identified(cardNumber);
      const { body } = await returns.ask(caseNumber, 'defective');
      await bench.source.query(
        `insert into known_status (card_number, epoch, seq, kind) values ($1, gen_random_uuid(), 1, 'revoked')`,
        [cardNumber],
      );
      expect(await returns.approve(body['id'])).toMatchObject({
        status: 409,
        body: { type: 'urn:kaika:error:cardRevoked' },
      });
      expect((await returns.decided(caseNumber, 'found-sound')).status).toBe(200);
    });
  });
}

/** What time makes of letters and tables. */
export function inTheCourseOfTime(started: () => Started, database: TestDatabase): void {
  it('erases letters after their retention, and what there was to see without them stays', async () => {
    const { bench, returns } = started();
    bench.clock.set(-181 * DAY_MS);
    const ended = await returns.identified(await returns.issuedCard());
    await returns.decided(ended.caseNumber, 'found-sound');
    await returns.sendBack(ended.caseNumber);
    const here = await returns.identified(await returns.issuedCard());
    const never = await returns.announce('TT00000000000995');
    const sweep = () => bench.service.app.get(Housekeeping).sweep();
    expect((await sweep())['letters']).toBe(0);
    bench.clock.set(0);
    await sweep(); // a round of the service's own may have been first
    for (const { caseNumber } of [ended, never]) {
      expect(await returns.file(caseNumber)).toMatchObject({ letter: null, erasedAt: expect.any(String) });
    }
    expect(await returns.file(here.caseNumber)).toMatchObject({ letter: LETTER });
    expect((await returns.progress(ended.caseNumber, ended.slipCode)).status).toBe(200);
  });

  it('knows cards as accepted that were told of before such cases were known', async () => {
    const migrations = [...issuance.migrations];
    const before = migrations.slice(0, migrations.indexOf(Returns1764000007000)) as never[];
    const { source, ownerUrl, schema } = await database.service('issuance_before', before);
    const kinds = ['accepted', 'suspended', 'resumed', 'revoked'];
    for (const kind of kinds) {
      await source.query('insert into known_status (card_number, epoch, seq, kind) values ($1, gen_random_uuid(), 1, $1)', [kind]); // prettier-ignore
    }
    await migrate({ ownerUrl, schema, migrations: migrations as never[] });
    const rows = await source.query<{ kind: string }[]>('select kind from known_status where accepted order by kind');
    expect(rows.map(({ kind }) => kind)).toEqual(['accepted', 'resumed', 'suspended']);
  });
}
