/** `npm run bench -- <name> [--json]`: one benchmark beside its floor and its peer, in one run. */
import { cpus } from 'node:os';
import { certificate } from './certificate.js';
import { crl } from './crl.js';
import { lag } from './lag.js';
import type { Benchmark, Figure } from './figures.js';
import { ocsp } from './ocsp.js';

const BENCHMARKS: Record<string, Benchmark> = { certificate, crl, lag, ocsp };

const names = Object.keys(BENCHMARKS).join(' | ');
const [name, ...options] = process.argv.slice(2);
const benchmark = BENCHMARKS[name ?? ''];

if (!benchmark) {
  console.error(`usage: npm run bench -- <${names}> [--json]`);
  process.exitCode = 2;
} else {
  const figures = await benchmark();
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  if (options.includes('--json')) console.log(JSON.stringify({ name, ...machine, figures }, undefined, 2));
  else print(figures);
}

function print(figures: Figure[]): void {
  console.log(`${name} on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`);
  for (const { what, value, unit, target } of figures) {
    console.log(`  ${what.padEnd(56)} ${String(value).padStart(10)} ${unit}${target ? `   (target ${target})` : ''}`);
  }
}
