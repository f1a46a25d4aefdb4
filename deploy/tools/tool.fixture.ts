import { describe } from '@jest/globals';
import { findTool } from './tool.js';

/**
 * Tests that need a program. Where it can't be had they are skipped and the reason is printed; with CI=true they fail.
 *
 * @param tests gets the program's path
 */
export function describeWith(name: string, hint: string, title: string, tests: (path: string) => void): void {
  const path = findTool(name);
  if (path) return describe(title, () => tests(path));
  const reason = `${name} is not here (${hint})`;
  if (process.env['CI'] === 'true') return describe(title, () => tests(`/missing/${name}`));
  console.warn(`skipped: ${title}: ${reason}`);
  const skip = describe.skip;
  skip(title, () => tests(''));
}
