import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#libs/clock';
import type { Line } from '../demo/run.js';
import { onBothProfiles } from './on-both-profiles.js';
import { openssl } from './openssl.js';
import { topics } from './topics.js';

interface ListIndex {
  number: number;
  kind: string;
  cut: string;
  thisUpdate: string;
  nextUpdate: string;
  file: string;
  entries: { serial: string; reason: string }[];
}

interface EvidenceCard {
  cardNumber: string;
  way: string;
  serials: { sign: string; enc: string };
  finalStatus: string;
}

const OPENSSL_REASON: Record<string, string> = { certificateHold: 'Certificate Hold', keyCompromise: 'Key Compromise' };

/** npm run demo, and openssl's opinion of every file it leaves. */
onBothProfiles('the demo', ({ name, env, stack }) => {
  const out = mkdtempSync(join(tmpdir(), 'kaika-evidence-'));
  const read = <T>(file: string) => JSON.parse(readFileSync(join(out, file), 'utf8')) as T;
  const path = (...parts: string[]) => join(out, ...parts);
  const serialsOf = (...chosen: EvidenceCard[]) => chosen.flatMap(({ serials }) => [serials.sign, serials.enc]).sort();
  const downloadable = () => serialsOf(...cards.filter((card) => card.finalStatus !== 'pending'));
  let lists: ListIndex[];
  let cards: EvidenceCard[];

  beforeAll(async () => {
    const options = name === 'distributed' ? ['--distributed'] : [];
    await promisify(execFile)(process.execPath, ['dist/test/demo/main.js', '--out', out, ...options], {
      env: { ...process.env, ...env },
    });
    lists = read<ListIndex[]>('crl/index.json');
    cards = read<EvidenceCard[]>('cards.json');
  }, 300_000);
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it('goes as expected in every step', () => {
    const timeline = read<Line[]>('timeline.json');
    expect(timeline.filter((line) => !line.ok)).toEqual([]);
    expect(timeline.length).toBeGreaterThan(15);
    for (const { at } of timeline) expect(new Date(at) <= systemClock().now()).toBe(true);
    expect(cards.map(({ way, finalStatus }) => `${way} ${finalStatus}`)).toEqual([
      'A valid',
      'A revoked',
      'B valid',
      'A pending',
    ]);
    expect(new Set(serialsOf(...cards)).size).toBe(8);
  });

  it('leaves nothing in the evidence but what is documented', () => {
    expect(readdirSync(out).sort()).toEqual([
      'ca.pem',
      'cards.json',
      'certs',
      'crl',
      'ocsp',
      'root.pem',
      'timeline.json',
    ]);
    expect(readdirSync(path('certs')).sort()).toEqual(downloadable().map((serial) => `${serial}.pem`));
    expect(readdirSync(path('crl')).sort()).toEqual([...lists.map((list) => list.file), 'index.json'].sort());
  });

  it('publishes an empty first list, one with a card on hold and one revoked, and one with the revoked card alone', () => {
    const [one, two] = cards as [EvidenceCard, EvidenceCard];
    const entries = (card: EvidenceCard, reason: string) => serialsOf(card).map((serial) => ({ serial, reason }));
    const bySerial = (a: { serial: string }, b: { serial: string }) => (a.serial < b.serial ? -1 : 1);
    expect(lists.map((list) => list.kind)).toEqual(['first', 'scheduled', 'scheduled']);
    expect(lists.map((list) => list.entries)).toEqual([
      [],
      [...entries(one, 'certificateHold'), ...entries(two, 'keyCompromise')].sort(bySerial),
      entries(two, 'keyCompromise'),
    ]);
    for (const [index, list] of lists.entries()) {
      expect(list.number).toBeGreaterThan(lists[index - 1]?.number ?? 0);
      expect(new Date(list.thisUpdate)).toEqual(new Date(list.cut));
      if (list.kind === 'scheduled') expect(list.cut).toMatch(/T16:00:00(\.000)?Z$/); // midnight in Taipei
      expect(new Date(list.nextUpdate) > new Date(lists[index + 1]?.thisUpdate ?? 0)).toBe(true);
    }
  });

  it('signs lists that openssl verifies and reads as they are described', async () => {
    for (const list of lists) {
      const pem = path(`list-${list.number}.pem`);
      expect(
        await openssl(
          'crl',
          '-inform',
          'DER',
          '-in',
          path('crl', list.file),
          '-CAfile',
          path('ca.pem'),
          '-verify',
          '-out',
          pem,
        ),
      ).toContain('verify OK');
      const text = await openssl('crl', '-inform', 'DER', '-in', path('crl', list.file), '-noout', '-text');
      expect(text).toContain('Version 2 (0x1)');
      expect(text).toMatch(/X509v3 Authority Key Identifier/);
      expect(text).toMatch(new RegExp(`X509v3 CRL Number: *\\n *${list.number}\\n`));
      const listed = [...text.matchAll(/Serial Number: ([0-9A-F]{32})[\s\S]*?X509v3 CRL Reason Code: *\n *(.+)\n/g)];
      expect(
        listed.map(([, serial, reason]) => ({ serial, reason })).sort((a, b) => (a.serial! < b.serial! ? -1 : 1)),
      ).toEqual(list.entries.map(({ serial, reason }) => ({ serial, reason: OPENSSL_REASON[reason] })));
      rmSync(pem);
    }
  });

  it('issues certificates whose chain, fields and status openssl confirms at each time', async () => {
    for (const serial of downloadable()) {
      const certificate = path('certs', `${serial}.pem`);
      for (const list of lists) {
        const anchors = path('anchors.pem');
        const crl = path('crl.pem');
        writeFileSync(anchors, readFileSync(path('ca.pem'), 'utf8') + readFileSync(path('root.pem'), 'utf8'));
        await openssl('crl', '-inform', 'DER', '-in', path('crl', list.file), '-out', crl);
        const at = String(new Date(list.thisUpdate).getTime() / 1_000 + 11 * 3_600);
        const verify = openssl('verify', '-crl_check', '-attime', at, '-CAfile', anchors, '-CRLfile', crl, certificate);
        if (!list.entries.some((entry) => entry.serial === serial)) expect(await verify).toContain(': OK');
        else await expect(verify).rejects.toThrow('certificate revoked');
        rmSync(anchors);
        rmSync(crl);
      }
      const text = await openssl('x509', '-in', certificate, '-noout', '-text');
      expect(text.replace(/\s|:/g, '').toUpperCase()).toContain(`SERIALNUMBER${serial}`);
      expect(text).toMatch(/X509v3 Key Usage: critical\n *(Digital Signature|Key Encipherment, Data Encipherment)\n/);
      for (const extension of [
        'Authority Key Identifier',
        'Subject Key Identifier',
        'Certificate Policies',
        'CRL Distribution Points',
        'Subject Directory Attributes',
      ]) {
        expect(text).toContain(extension);
      }
      expect(text).toContain('CA Issuers - URI:');
      expect(text).toMatch(/email:ca@kaika-[a-z]+\.example/);
      expect(text).not.toContain('Basic Constraints');
    }
  });

  it('gives each certificate its own key, and a subject that Node reads as it was applied for', () => {
    const [one, other] = serialsOf(cards[0]!).map(
      (serial) => new X509Certificate(readFileSync(path('certs', `${serial}.pem`))),
    );
    const key = ({ publicKey }: X509Certificate) =>
      createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex');
    expect(key(one!)).not.toBe(key(other!));
    for (const certificate of [one!, other!]) {
      expect(certificate.subject).toBe('C=TW\nO=開卡測試股份有限公司');
      expect(certificate.validTo).toMatch(/15:59:59 \d{4} GMT$/); // the end of a Taipei day
      expect(certificate.ca).toBe(false);
    }
  });

  it('answers OCSP as openssl and the clock of that moment have it', async () => {
    const [one, two, , four] = cards as [EvidenceCard, EvidenceCard, EvidenceCard, EvidenceCard];
    const anchors = path('anchors.pem');
    writeFileSync(anchors, readFileSync(path('ca.pem'), 'utf8') + readFileSync(path('root.pem'), 'utf8'));
    const expected: [string, string | undefined, string][] = [
      ['pending', four.serials.sign, 'good'],
      ['good', one.serials.sign, 'good'],
      ['certificateHold', one.serials.sign, 'revoked'],
      ['good-again', one.serials.sign, 'good'],
      ['keyCompromise', two.serials.sign, 'revoked'],
      ['unknown', undefined, 'unknown'],
    ];
    const files = readdirSync(path('ocsp'));
    expect(files).toHaveLength(expected.length);
    for (const [step, serial, status] of expected) {
      const file = files.find(
        (name) => name.startsWith(`${step}-${serial ?? ''}`) && name.length === step.length + 37,
      )!;
      const asked = /-([0-9A-F]{32})\.der$/.exec(file)![1]!;
      const text = await openssl(
        ...['ocsp', '-respin', path('ocsp', file), '-issuer', path('ca.pem'), '-sha256', '-serial', `0x${asked}`],
        ...['-CAfile', anchors, '-validity_period', String(10 * 86_400), '-resp_text'],
      );
      expect(text).toContain('Response verify OK');
      expect(text).toContain(`0x${asked}: ${status}`);
      if (status === 'revoked') expect(text).toMatch(new RegExp(`Revocation Reason: ${step} \\(`));
      const time = (name: string) => new Date(new RegExp(`${name}: (.+)`).exec(text)![1]!);
      expect(time('Next Update').getTime() - time('This Update').getTime()).toBe(3_600_000);
      expect(time('Produced At') >= time('This Update') && time('Produced At') <= systemClock().now()).toBe(true);
      const delegate = new X509Certificate(
        /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text)![0],
      );
      expect(
        new Date(delegate.validFrom) <= time('Produced At') && new Date(delegate.validTo) > systemClock().now(),
      ).toBe(true);
    }
    rmSync(anchors);
  });

  if (stack) describe('leaves topics that', () => topics(stack));
});
