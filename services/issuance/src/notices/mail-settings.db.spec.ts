import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { sealFor } from '#libs/credentials';
import { withTestDatabase } from '#libs/database';
import { sealedContext } from '#libs/events';
import { issuance } from '../index.js';
import { IssuanceBench } from '../issuance.fixture.js';
import { MailServer } from './mail-server.fixture.js';
import { SmtpTransport } from './smtp.js';

const dir = mkdtempSync(join(tmpdir(), 'kaika-mail-'));
const database = withTestDatabase();
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const mail = { id: 'n/1', to: 'someone@example.com', subject: '通知', text: '內容\n', date: new Date(0) };
const settings = { password: undefined, ca: undefined, from: 'centre@ca.example', hotlines: [] };

describe('without a mail server', () => {
  it('notices are on record as not sent, and no code is kept', async () => {
    const bench = await IssuanceBench.start(database);
    try {
      const cardNumber = await bench.assignedCard();
      const context = sealedContext('one-time-code.requested', cardNumber);
      await bench.receive('one-time-code.requested', {
        ...{ cardNumber, jwe: await sealFor([bench.ownKey.publicJwk], { code: '123456' }, context) },
        ...{ request: randomUUID(), purpose: 'user-code-reset', expiresAt: '2026-11-21T16:00:00Z' },
      });
      const rows = await bench.source.query('select state, secret, attempts from notice where card_number = $1', [
        cardNumber,
      ]);
      expect(rows).toEqual([{ state: 'not-sent', secret: null, attempts: 0 }]);
    } finally {
      await bench.stop();
    }
  }, 60_000);
});

describe('a mail server that wants a user', () => {
  const file = (name: string) => join(dir, name);
  const listen = async (options = {}) => {
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key'), '-out', file('ca')],
    ], { stdio: 'ignore' }); // prettier-ignore
    return MailServer.start({
      ...{ key: readFileSync(file('key')), cert: readFileSync(file('ca')), authOptional: false },
      onAuth: ({ username, password }, _session, done) =>
        password === 'sesame' ? done(null, { user: username }) : done(new Error('no')),
      ...options,
    });
  };
  const withUser = (server: MailServer) => server.url.replace('//', '//centre%40ca@');

  it('gets the password from its file, under TLS that is verified', async () => {
    const server = await listen();
    const ca = readFileSync(file('ca'), 'utf8');
    const send = (changes: object) => {
      const transport = new SmtpTransport({
        ...settings,
        smtpUrl: withUser(server),
        password: 'sesame',
        ca,
        ...changes,
      });
      return transport.send(mail).finally(() => transport.close());
    };
    expect(await send({})).toEqual({ outcome: 'sent' });
    expect(server.users).toEqual(['centre@ca']);
    expect(await send({ password: 'wrong' })).toMatchObject({ outcome: 'unreachable', problem: 'EAUTH 535' });
    expect(await send({ ca: undefined })).toMatchObject({ outcome: 'unreachable' });
    expect(server.mails).toHaveLength(1);
    await server.close();
  });

  it('and offers no TLS gets no password', async () => {
    let asked = 0;
    const server = await listen({
      ...{ disabledCommands: ['STARTTLS'], allowInsecureAuth: true },
      onAuth: (_auth: unknown, _session: unknown, done: (error: Error) => void) => {
        asked += 1;
        done(new Error('no'));
      },
    });
    const transport = new SmtpTransport({ ...settings, smtpUrl: withUser(server), password: 'sesame' });
    expect(await transport.send(mail)).toMatchObject({ outcome: 'unreachable' });
    expect(asked).toBe(0);
    transport.close();
    await server.close();
  });
});

it('carries subject and text as they are, and an id that is one', async () => {
  const server = await MailServer.start();
  const transport = new SmtpTransport({ ...settings, smtpUrl: server.url });
  const subject = `${'憑證停用通知'.repeat(12)} x\r\nBcc: other@example.com`;
  expect(await transport.send({ ...mail, subject })).toEqual({ outcome: 'sent' });
  const [received] = server.mails;
  expect(received!.text).toBe('內容\n');
  expect(received!.header('Message-ID')).toBe('<n-1@ca.example>');
  expect(received!.header('Bcc')).toBeUndefined();
  expect(received!.to).toBe('someone@example.com');
  transport.close();
  await server.close();
});

describe('settings', () => {
  it.each([
    ['a password in the address', { KAIKA_SMTP_URL: 'smtp://user:sesame@mail.example' }, 'KAIKA_SMTP_URL'],
    ['another kind of address', { KAIKA_SMTP_URL: 'http://mail.example' }, 'KAIKA_SMTP_URL'],
    ['no address', { KAIKA_SMTP_URL: 'mail.example' }, 'KAIKA_SMTP_URL'],
    ['a sender that is none', { KAIKA_MAIL_FROM: 'centre' }, 'KAIKA_MAIL_FROM'],
    ['a password file that is not there', { KAIKA_SMTP_PASSWORD_FILE: '/nowhere/x' }, 'KAIKA_SMTP_PASSWORD_FILE'],
    ['days that are none', { KAIKA_EXPIRY_NOTICE_DAYS: '60;14' }, 'KAIKA_EXPIRY_NOTICE_DAYS'],
    ['a day of zero', { KAIKA_EXPIRY_NOTICE_DAYS: '60,0' }, 'KAIKA_EXPIRY_NOTICE_DAYS'],
    ['a hotline without a number', { KAIKA_HOTLINE_2: 'Taipei' }, 'KAIKA_HOTLINE_2'],
  ])('with %s stop the start, naming the variable and not the value', async (_what, env, variable) => {
    const message = await Promise.resolve()
      .then(() => issuance.module(env))
      .then(
        () => '',
        (error: Error) => error.message,
      );
    expect(message).toContain(`${variable}:`);
    expect(message).not.toContain('sesame');
  });

  it('of a mail server want a sender', async () => {
    const starting = IssuanceBench.start(database, { KAIKA_SMTP_URL: 'smtp://mail.example' });
    await expect(starting).rejects.toThrow('KAIKA_MAIL_FROM: is not set');
  }, 60_000);
});
