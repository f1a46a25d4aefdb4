import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { moduleGraph } from './module-graph.js';
import { copyPackages, packageFolders } from './packages.js';

export const ENTRY = 'services/card-agent/src/main.js';
/** Loaded by a name no import shows: Nest's own listener, and what drives real readers. */
const LOADED_LATER = ['@nestjs/platform-express', 'pcsc-mini'];
/** @nestjs/swagger brings the pages of its viewer, which the agent does not show. */
const NEVER_LOADED = new Set(['swagger-ui-dist']);
const BESIDE = ['kaika-card-agent.service', '50-kaika-card-agent.rules', 'agent.env.example', 'start.sh'];

/**
 * Makes the folder a kiosk is given: the agent, the packages it loads and no others, a start script, a systemd unit and an
 * example of its settings. Copied, not bundled: what runs at a kiosk is file by file what was built and tested here, and
 * the binding of real readers is a binary beside its package anyway.
 *
 * @param root the repository, built
 * @param to   replaced when it is there
 */
export function makeKioskFolder(root: string, to: string): { files: number; packages: string[] } {
  const { files, packages } = moduleGraph(join(root, 'dist'), ENTRY);
  const folders = packageFolders(root, [...packages, ...LOADED_LATER], NEVER_LOADED);
  rmSync(to, { recursive: true, force: true });
  for (const [file, text] of files)
    write(join(to, 'dist', file), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
  copyPackages(root, folders, to);
  const { name, version, license, type, engines, imports } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  const manifest = { name: `${String(name)}-card-agent`, version, license, private: true, type, engines, imports };
  write(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const file of BESIDE) copyFileSync(join(root, 'deploy', 'agent', file), join(to, file));
  chmodSync(join(to, 'start.sh'), 0o755);
  copyFileSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  copyFileSync(join(root, 'docs', 'KIOSK.md'), join(to, 'KIOSK.md'));
  return { files: files.size, packages: folders };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
