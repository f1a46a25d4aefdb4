import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const pomFile = (): string => join(repositoryRoot(), 'deploy', 'stack', 'kafka', 'pom.xml');

/** The folder of package.json: this file runs as deploy/stack/x.ts under jest and as dist/deploy/stack/x.js. */
export function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    if (dirname(folder) === folder) throw new Error(`no package.json above ${import.meta.dirname}`);
    folder = dirname(folder);
  }
  return folder;
}

/** Which Kafka: stands once, in the pom. */
export const kafkaVersion = (): string =>
  /<kafka\.version>([\d.]+)<\/kafka\.version>/.exec(readFileSync(pomFile(), 'utf8'))![1]!;

/** Shared by every stack and test of this user. */
export const jarsFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kaika', `kafka-${kafkaVersion()}`);

export const java = (): string => (process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java');

const runs = (command: string, args: string[]) => spawnSync(command, args, { encoding: 'utf8' });

/** E.g. `17.0.15`; undefined when there is no Java. */
export function javaVersion(): string | undefined {
  const version = runs(java(), ['-version']);
  return version.status === 0 ? /version "([\d.]+)/.exec(version.stderr)?.[1] : undefined;
}

/** Why Kafka can't be started on this machine, as a sentence that says what to install; undefined when it can. */
export function kafkaUnavailable(): string | undefined {
  const version = javaVersion();
  if (!version) return 'Kafka needs Java 17 or later: install openjdk-17-jre-headless (or set JAVA_HOME)';
  if (parseInt(version) < 17) {
    return `Kafka needs Java 17 or later, this is Java ${version}: install openjdk-17-jre-headless`;
  }
  if (!existsSync(jarsFolder()) && runs('mvn', ['--version']).status !== 0) {
    return `Kafka's jars are not in ${jarsFolder()} and there is no Maven to fetch them: install maven`;
  }
  return undefined;
}

/**
 * The folder with Kafka's jars; the first call on a machine fetches them from Maven Central (about 60 MB, checksums
 * checked by Maven). Whole or not at all: made beside and renamed, so processes that start at once don't clash.
 *
 * @throws Error with Maven's last lines
 */
export async function fetchKafka(log: (line: string) => void = () => {}): Promise<string> {
  const folder = jarsFolder();
  if (existsSync(folder)) return folder;
  log(`fetching Kafka ${kafkaVersion()} with Maven into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}.`);
  try {
    await copyJars(fresh);
    if (!existsSync(join(fresh, `kafka_2.13-${kafkaVersion()}.jar`)))
      throw new Error(`Maven left no Kafka in ${fresh}`);
    try {
      renameSync(fresh, folder);
    } catch (e) {
      if (!existsSync(folder)) throw e; // else another process was first: its jars are as good
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

async function copyJars(into: string): Promise<void> {
  const maven = ['mvn', '-q', '-B', '-C', '-f', pomFile(), 'dependency:copy-dependencies', `-DoutputDirectory=${into}`, '-DincludeScope=runtime']; // prettier-ignore
  // Two Mavens must not fill ~/.m2 at once; the kernel drops the lock with its process.
  const lock = runs('flock', ['--version']).status === 0 ? ['flock', join(dirname(into), 'maven.lock')] : [];
  const [command, ...args] = [...lock, ...maven];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((done) => child.once('close', done).once('error', (e) => done((output += e.message))));
  if (code !== 0) throw new Error(`fetching Kafka's jars with Maven failed:\n${output.trim().split('\n').slice(-8).join('\n')}`); // prettier-ignore
}
