// The commands that check the promises, as somebody calls them who does not know them yet, or has enough of them.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const PROGRAMS = {
  simulate: 'simulation/main.ts',
  planted: 'simulation/planted/main.ts',
  chaos: 'chaos/main.ts',
  'power-loss': 'power-loss/main.ts',
  overload: 'overload/main.ts',
  fuzz: 'hostile/fuzz/main.ts',
  bench: 'bench/main.ts',
} as const;

interface Said {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-commands-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function pathOf(name: keyof typeof PROGRAMS): string {
  return join(import.meta.dirname, '..', PROGRAMS[name]);
}

function run(name: keyof typeof PROGRAMS, ...args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [pathOf(name), ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
  });
}

describe.each(Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[])('npm run %s', (name) => {
  test('says with --help how it is called', async () => {
    const { code, stdout, stderr } = await run(name, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^usage: npm run ${name} -- `));
  });

  test('refuses what it does not know with one line and its usage', async () => {
    const { code, stdout, stderr } = await run(name, '--bogus');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^[^\n]*'--bogus'[^\n]*\nusage: npm run ${name} -- `));
  });
});

test.each([
  ['--trace', 'asks for --seed'],
  ['--keep=r0', 'asks for --seed'],
  ['--seed=1 --publish', 'does not go with --seed'],
  ['--minutes=0', 'is no number from 0.01'],
  ['--seeds=', 'is no whole number from 1'],
])('npm run simulate refuses %s: it %s', async (args, problem) => {
  const { code, stdout, stderr } = await run('simulate', ...args.split(' '));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.split('\n')[0]).toContain(problem);
});

/** Resolves once a line of what it says begins so. */
async function says({ stdout, stderr }: ChildProcess, beginning: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const input of [stdout, stderr]) {
    if (input !== null)
      createInterface({ input }).on('line', (line) => line.startsWith(beginning) && resolve());
  }
  await promise;
}

test.each([
  ['fuzz', ['nats', '--minutes', '5'], 'nats: 5 minutes'],
  ['overload', [], 'overload: the most'],
] as const)('npm run %s leaves nothing behind when it is interrupted', async (name, args, beginning) => {
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, [pathOf(name), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  await says(child, beginning);
  // As npm does: one Ctrl-C comes from the terminal, and again from npm.
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(readdirSync(folder).filter((entry) => entry.startsWith('tutti-stack-'))).toEqual([]);
});
