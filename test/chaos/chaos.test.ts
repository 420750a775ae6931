// One fault of each kind under load, in the time that CI has: a lease is short, and what is slow on a busy machine
// is no violation. `npm run chaos` is the long form, with the figures.

import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findDescendants } from '../support/proc.ts';
import { type ChaosOptions, runChaos } from './chaos.ts';
import { FAULT_KINDS, type Fault } from './faults.ts';

const options: Omit<ChaosOptions, 'say' | 'parentFolder'> = {
  seed: 4,
  minutes: Number.POSITIVE_INFINITY,
  cycles: FAULT_KINDS.length,
  leaseMs: 1_500,
  recoveryLimitMs: 30_000,
  noticeMarginMs: 15_000,
  clients: 12,
  evenly: true,
  keep: false,
  log: () => {},
  signal: new AbortController().signal,
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-chaos-test-'));
});
afterEach(() => rmdirSync(folder));

/** Of this process. */
function leftProcesses(): readonly number[] {
  return ['node', 'nats-server', 'sh'].flatMap((name) => findDescendants(process.pid, name));
}

test('P1 to P8: whatever process is killed, ended or stopped, nothing is lost, and nothing is done twice', async () => {
  const before = leftProcesses();
  const said: string[] = [];

  const outcome = await runChaos({ ...options, parentFolder: folder, say: (line) => said.push(line) });

  expect(outcome.violations, said.join('\n')).toEqual([]);
  expect(outcome.cycles.map(({ fault }) => fault.kind).sort()).toEqual([...FAULT_KINDS].sort());
  // That nothing was found would say little of next to no load.
  expect(outcome.submissions.acknowledged).toBeGreaterThan(30);
  expect(readdirSync(folder)).toEqual([]);
  expect(leftProcesses()).toEqual(before);
});

test('interrupted while a process stands still, it leaves neither processes nor files', async () => {
  const before = leftProcesses();
  // Of this seed, the orchestrator stands still first.
  const seed = 5;
  const over = new AbortController();
  const struck = ({ kind }: Fault) => kind.includes('stopped') && over.abort(new Error('interrupted'));

  await expect(
    runChaos({ ...options, parentFolder: folder, seed, say: () => {}, struck, signal: over.signal }),
  ).rejects.toThrow('interrupted');

  expect(readdirSync(folder)).toEqual([]);
  expect(leftProcesses()).toEqual(before);
});
