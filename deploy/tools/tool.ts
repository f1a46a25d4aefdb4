import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where deploy/tools/install.sh puts what it builds. */
export const TOOLS_DIR = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kaika', 'bin');

/** @returns the path of a program, or undefined: it is in no folder of PATH, nor where Debian and we keep such things */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', TOOLS_DIR];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
