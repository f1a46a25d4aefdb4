/**
 * The list of a million, writer alone: beside the floor (hash and write of the same octets) and `openssl ca -gencrl`
 * (100,000 entries, scaled). Everything is made durable with fsync except by openssl, which doesn't. Each measurement
 * is a process of its own, so that its peak memory is its own too.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '#libs/clock';
import { ceremony, loadAuthority, readCrl, writeCrl, type CrlColumns, type CrlEntry } from '#libs/pki';
import { figure, median, type Figure } from './figures.js';

const ENTRIES = 1_000_000;
const PEER_ENTRIES = 100_000;
const BATCH = 1_000;
const ROUNDS = 3;
const CUT_SECONDS = Date.UTC(2026, 10, 21, 16) / 1_000;
const HOLD = 6;
const MIB = 1 << 20;

type Task = 'columns' | 'entries' | 'floor' | 'source' | 'read';
const TASK_NAMES: Task[] = ['columns', 'entries', 'floor', 'source', 'read'];
interface Measured {
  readonly seconds: number;
  /** Of all threads: says more than the wall clock on a busy machine. */
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

export async function crl(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'kaika-bench-'));
  try {
    await ceremony({ dir, publicUrl: 'http://ca.example', clock: systemClock(), log: () => undefined });
    const rounds: Record<Task, Measured[]> = { columns: [], entries: [], floor: [], source: [], read: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const task of TASK_NAMES) rounds[task].push(await measured(task, dir));
    }
    const seconds = (task: Task) => median(rounds[task].map((round) => round.seconds));
    const cpu = (task: Task) => median(rounds[task].map((round) => round.cpuSeconds));
    const peak = (task: Task) => Math.max(...rounds[task].map((round) => round.peakMiB));
    const peer = ((await gencrl(dir)) * ENTRIES) / PEER_ENTRIES;
    return [
      figure('writer, 1,000,000 entries in columns', seconds('columns'), 's'),
      figure('writer, 1,000,000 entries as objects', seconds('entries'), 's'),
      figure('… of which making the objects', seconds('source'), 's'),
      figure('floor: SHA-256 and write of the same octets, fsync', seconds('floor'), 's'),
      figure('writer (columns) / floor', seconds('columns') / seconds('floor'), '×', '≤ 4'),
      figure('writer (objects) / floor', seconds('entries') / seconds('floor'), '×', '≤ 4'),
      figure('openssl ca -gencrl, scaled from 100,000', peer, 's'),
      figure('writer (objects) / openssl ca -gencrl', seconds('entries') / peer, '×', '≤ 0.10'),
      figure('processor time: writer (columns) / floor', cpu('columns') / cpu('floor'), '×'),
      figure('processor time: writer (objects) / floor', cpu('entries') / cpu('floor'), '×'),
      figure('peak memory of the writer, columns', peak('columns'), 'MiB', '≤ 128'),
      figure('peak memory of the writer, objects', peak('entries'), 'MiB', '≤ 128'),
      figure('second reader, every entry', seconds('read'), 's'),
      figure('peak memory of the second reader', peak('read'), 'MiB'),
    ];
  } finally {
    await rm(dir, { recursive: true });
  }
}

const run = promisify(execFile);

async function measured(task: Task, dir: string): Promise<Measured> {
  const { stdout } = await run(process.execPath, [fileURLToPath(import.meta.url), task, dir]);
  return JSON.parse(stdout) as Measured;
}

/** Seconds of `openssl ca -gencrl` for PEER_ENTRIES entries with the same key and reason. */
async function gencrl(dir: string): Promise<number> {
  const path = (name: string) => join(dir, name);
  const config = ['[ca]', 'default_ca=d', '[d]', `database=${path('index.txt')}`, `crlnumber=${path('crlnumber')}`];
  const extensions = [
    'default_md=sha256',
    'default_crl_days=1',
    'crl_extensions=e',
    '[e]',
    'authorityKeyIdentifier=keyid',
  ];
  const lines = Array.from(
    { length: PEER_ENTRIES },
    (_, i) => `R\t311121155959Z\t261121155000Z,certificateHold\t${serialOf(i)}\tunknown\t/CN=${i}\n`,
  );
  await writeFile(path('ca.cnf'), [...config, ...extensions, ''].join('\n'));
  await writeFile(path('index.txt'), lines.join(''));
  await writeFile(path('crlnumber'), '01\n');
  const authority = await loadAuthority(dir);
  await writeFile(path('issuing.pem'), authority.issuing.pem);
  const key = ['-keyfile', path('issuing.key.pem'), '-passin', `file:${path('passphrase')}`];
  const started = performance.now();
  await run('openssl', [
    'ca',
    '-gencrl',
    '-config',
    path('ca.cnf'),
    '-cert',
    path('issuing.pem'),
    ...key,
    '-out',
    path('peer.pem'),
  ]);
  return (performance.now() - started) / 1_000;
}

const serialOf = (i: number) => `5A${i.toString(16).toUpperCase().padStart(30, '0')}`;
const secondsOf = (i: number) => CUT_SECONDS - ((i * 7_919) % 100_000_000);

function* asEntries(): Generator<CrlEntry[]> {
  for (let from = 0; from < ENTRIES; from += BATCH) {
    yield Array.from({ length: BATCH }, (_, i) => ({
      serial: serialOf(from + i),
      revocationDate: new Date(secondsOf(from + i) * 1_000),
      reason: 'certificateHold' as const,
    }));
  }
}

function* asColumns(): Generator<CrlColumns> {
  const serials = Buffer.alloc(BATCH * 16, 0x5a);
  const revocationSeconds = new Float64Array(BATCH);
  const reasons = new Uint8Array(BATCH).fill(HOLD);
  for (let from = 0; from < ENTRIES; from += BATCH) {
    for (let i = 0; i < BATCH; i += 1) {
      serials.writeUInt32BE(from + i, i * 16 + 12);
      revocationSeconds[i] = secondsOf(from + i);
    }
    yield { count: BATCH, serials, revocationSeconds, reasons };
  }
}

const TASKS: Record<Task, (dir: string) => Promise<Spent>> = {
  columns: (dir) => timeWriter(dir, asColumns()),
  entries: (dir) => timeWriter(dir, asEntries()),
  floor: async (dir) => {
    const bytes = readFileSync(join(dir, 'list.crl'));
    return timed(async () => {
      const file = openSync(join(dir, 'floor'), 'w');
      const hash = createHash('sha256');
      for (let at = 0; at < bytes.length; at += MIB) {
        const part = bytes.subarray(at, at + MIB);
        hash.update(part);
        writeSync(file, part);
      }
      hash.digest();
      fsyncSync(file);
      closeSync(file);
    });
  },
  source: () =>
    timed(async () => {
      for (const batch of asEntries()) if (batch.length !== BATCH) throw new Error('a short batch');
    }),
  read: (dir) =>
    timed(async () => {
      let count = 0;
      for await (const batch of (await readCrl(join(dir, 'list.crl'))).batches()) count += batch.length;
      if (count !== ENTRIES) throw new Error(`the second reader counts ${count}`);
    }),
};

/** The making of the entries is part of the time: a real source has its cost too. */
async function timeWriter(dir: string, entries: Iterable<CrlEntry[] | CrlColumns>): Promise<Spent> {
  const { issuing } = await loadAuthority(dir);
  const signer = await issuing.signer();
  const thisUpdate = new Date(CUT_SECONDS * 1_000);
  const nextUpdate = new Date((CUT_SECONDS + 108_000) * 1_000);
  const file = join(dir, 'list.crl');
  return timed(() => writeCrl({ signer, issuer: issuing, number: 1n, thisUpdate, nextUpdate, entries, file }));
}

type Spent = Omit<Measured, 'peakMiB'>;

async function timed(work: () => Promise<unknown>): Promise<Spent> {
  const started = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1_000, cpuSeconds: (user + system) / 1_000_000 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [task, dir] = process.argv.slice(2) as [Task, string];
  const spent = await TASKS[task](dir);
  console.log(JSON.stringify({ ...spent, peakMiB: process.resourceUsage().maxRSS / 1_024 }));
}
