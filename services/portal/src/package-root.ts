import { join } from 'node:path';

/** Files that are not compiled are found from the package's root, in source and in `dist` alike. */
export function packageRoot(): string {
  const here = import.meta.dirname;
  return here.slice(0, here.lastIndexOf(join('services', 'portal'))).replace(/dist[\\/]$/, '');
}
