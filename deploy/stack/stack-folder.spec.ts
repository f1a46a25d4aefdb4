import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { identify, lives } from './process-identity.js';
import { holdFolder } from './stack-folder.js';

describe('holdFolder', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'kaika-hold-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('has one holder, and another after that one has left', () => {
    const leave = holdFolder(dir);
    expect(() => holdFolder(dir)).toThrow(`has a supervisor already (pid ${process.pid})`);
    leave();
    holdFolder(dir)();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('gives nothing for the note of a dead one, or for one cut off', () => {
    const { pid } = spawnSync('true');
    for (const note of [
      JSON.stringify({ pid, birth: 'x' }),
      JSON.stringify({ ...identify(process.pid), birth: 'x' }),
      '{',
    ]) {
      writeFileSync(join(dir, 'supervisor.json'), note);
      holdFolder(dir)();
    }
  });
});

describe('identify', () => {
  it('tells a process from a later one with the same pid', () => {
    const me = identify(process.pid)!;
    expect(lives(me)).toBe(true);
    expect(lives({ ...me, birth: `${me.birth}0` })).toBe(false);
    expect(identify(spawnSync('true').pid)).toBeUndefined();
  });
});
