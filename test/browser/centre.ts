import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { appRole, schemaOf } from '#libs/database';
import { PivCard } from '#libs/piv';
import { VirtualCardStore } from '#libs/virtual-card';
import type { DemoUser } from '../../services/all-in-one/src/demo-users.js';
import { ask } from '../demo/http.js';
import type { Instance } from '../demo/instance.js';

const WRONG_PIN = '99999999';
const CARD = `${schemaOf('suspension')}.card`;
const SUSPENSION = appRole(schemaOf('suspension'));

/** Blank, for whoever applies on a page. */
const IN_STOCK = 'MT00000000009950';

/** What happens to a card or an application behind the back of its holder: at the centre, and in other programs. */
export class Centre {
  constructor(private readonly instance: Instance) {}

  async hold(cardNumber: string): Promise<void> {
    await this.order('wang', `/cards/${cardNumber}/hold`, { holder: 'ca', ground: '查證中' });
  }

  async release(cardNumber: string): Promise<void> {
    await this.order('wang', `/cards/${cardNumber}/release`, { holder: 'ca', ground: '查證完成' });
  }

  async revoke(cardNumber: string): Promise<void> {
    const { id } = await this.order('wang', `/cards/${cardNumber}/revocation`, { reason: 'cessationOfOperation', ground: '公司解散' }); // prettier-ignore
    await this.order('wu', `/revocation-requests/${String(id)}/approval`, {});
  }

  async sendBack(caseNumber: string, reason: string): Promise<void> {
    await this.order('lin', `/applications/${caseNumber}/return`, { reason });
  }

  /** @returns the number of its card */
  async approve(caseNumber: string): Promise<string> {
    await this.order('chen', '/card-stock', { cardNumbers: [IN_STOCK] });
    return String((await this.order('lin', `/applications/${caseNumber}/approval`, {}))['cardNumber']);
  }

  /** What the card has signed for. */
  async evidence(cardNumber: string): Promise<string[]> {
    const { items } = await this.order('huang', `/cards/${cardNumber}/evidence`);
    return (items as { act: string }[]).map(({ act }) => act);
  }

  /** `suspension` decides nothing meanwhile: it may not read its own table. */
  withoutSuspension(work: () => Promise<void>): Promise<void> {
    return this.meanwhile(
      `revoke select on ${CARD} from ${SUSPENSION}`,
      `grant select on ${CARD} to ${SUSPENSION}`,
      work,
    );
  }

  /** As if the certificates had ended. */
  whenExpired(cardNumber: string, work: () => Promise<void>): Promise<void> {
    const later = (sign: '-' | '+') =>
      `update ${CARD} set not_after = not_after ${sign} interval '10 years' where card_number = '${cardNumber}'`;
    return this.meanwhile(later('-'), later('+'), work);
  }

  /** Another program types PINs until the card is blocked. It must not be in the agent's reader. */
  async lock(cardNumber: string): Promise<void> {
    const connection = await new VirtualCardStore(join(this.instance.dataDir, 'virtual-cards')).open(cardNumber);
    const card = await PivCard.select(connection);
    for (let left = 1; left > 0;) {
      const result = await card.verifyPin(WRONG_PIN);
      if (result.ok) throw new Error('this was the right PIN');
      left = result.triesLeft;
    }
    await connection.close();
  }

  private async meanwhile(before: string, after: string, work: () => Promise<void>): Promise<void> {
    const dir = join(this.instance.dataDir, 'postgres');
    const [, , , port] = readFileSync(join(dir, 'pgdata/postmaster.pid'), 'utf8').split('\n');
    const password = readFileSync(join(dir, 'superuser-password'), 'utf8').trim();
    const client = new Client({ host: '127.0.0.1', port: Number(port), user: 'postgres', password, database: 'postgres' }); // prettier-ignore
    await client.connect();
    try {
      await client.query(before);
      await work().finally(() => client.query(after));
    } finally {
      await client.end();
    }
  }

  private async order(by: DemoUser, path: string, json?: unknown): Promise<Record<string, unknown>> {
    const { status, body, bytes } = await ask(json ? 'POST' : 'GET', `${this.instance.address.url}/api/v1${path}`, {
      token: await this.instance.token(by),
      headers: { 'idempotency-key': randomUUID() },
      ...(json !== undefined && { json }),
    });
    if (status >= 300) throw new Error(`${path}: ${status} ${bytes.toString().slice(0, 400)}`);
    return body;
  }
}
