import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The second reader. @returns its standard output and error together. @throws Error with both when it disagrees */
export async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('openssl', args, { maxBuffer: 1 << 24 });
  return stdout + stderr;
}
