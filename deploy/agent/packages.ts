import { cpSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/**
 * The folders of these packages and of all they depend on, as Node resolves them from the repository's node_modules.
 * Optional ones that are not installed here (other systems' binaries) are left out.
 *
 * @param without packages that are never loaded
 * @returns paths below `root`, `node_modules/…`, nested ones as they are
 */
export function packageFolders(root: string, names: Iterable<string>, without: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  const add = (from: string, name: string, optional: boolean): void => {
    if (without.has(name)) return;
    const folder = resolveFolder(root, from, name);
    if (!folder) {
      if (optional) return;
      throw new Error(`${name}, which ${relative(root, from) || 'the agent'} needs, is not installed: npm ci`);
    }
    if (found.has(folder)) return;
    found.add(folder);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    for (const each of Object.keys(dependencies)) add(folder, each, each in optionalDependencies);
    for (const each of Object.keys(optionalDependencies)) add(folder, each, true);
    for (const each of Object.keys(peerDependencies)) {
      if (!peerDependenciesMeta[each]?.optional) add(folder, each, false);
    }
  };
  for (const name of names) add(root, name, false);
  return [...found].map((folder) => relative(root, folder)).sort();
}

/** Copies folders that `packageFolders` found, without what nobody loads at a kiosk. */
export function copyPackages(root: string, folders: readonly string[], to: string): void {
  for (const folder of folders) {
    const source = join(root, folder);
    cpSync(source, join(to, folder), {
      recursive: true,
      // Packages nested in this one are in the list themselves where they are needed.
      filter: (path) => path === source || (basename(path) !== 'node_modules' && !/\.(?:d\.[cm]?ts|map)$/.test(path)),
    });
  }
}

function resolveFolder(root: string, from: string, name: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (at === root || at === dirname(at)) return undefined;
  }
}
