// What is said of contestants is what they did: turns, failures, durability. With toys in place of servers.

import { tmpdir } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { compare, type Outcome } from './compare.ts';
import { chart } from './report/chart.ts';
import { summarize } from './report/summary.ts';
import { durabilityOf, table } from './report/table.ts';
import { peers } from './testing/toy-peers.ts';
import { workload } from './workloads/three-step.ts';

const entrants = peers.map((peer) => ({
  peer,
  module: new URL('testing/toy-peers.ts', import.meta.url).href,
  cache: tmpdir(),
}));
const said: string[] = [];
let outcomes: readonly Outcome[] = [];

beforeAll(async () => {
  const options = { tasks: 20, rounds: 2, slots: 4, say: (line: string) => void said.push(line) };
  outcomes = await compare('three-step', workload, entrants, options, new AbortController().signal);
});

test('rounds take turns, each beginning with another contestant', () => {
  const serial = said.filter((line) => line.includes(', serial:')).map((line) => line.split(', ')[1]);
  expect(serial).toEqual(['forgets', 'writes', 'syncs', 'lies', 'writes', 'syncs', 'lies', 'forgets']);
});

test('a round that fails is repeated once; who fails each time has no figures, and the others have theirs', () => {
  const rows = summarize(outcomes);
  expect(rows.map(({ contestant, rounds, failedRounds }) => [contestant, rounds, failedRounds])).toEqual([
    ['forgets', 2, 0],
    ['writes', 2, 0],
    ['syncs', 2, 0],
    ['lies', 2, 0],
    ['fails', 0, 4],
  ]);
  for (const { parts } of rows.slice(0, 4)) {
    expect(parts.map(({ name, headline }) => [name, headline])).toEqual([
      ['serial', 'completedMs'],
      ['200-at-once', 'runsPerSecond'],
    ]);
    expect(parts[1]?.tasksPerSecond.median).toBeGreaterThan(0);
    expect(Object.keys(parts[1]?.peakMegabytes ?? {})).toEqual(['worker', 'load', 'all']);
  }
});

test('durability is what was seen, and a claim beyond it is told beside it', ({ skip }) => {
  const rows = summarize(outcomes).filter(({ contestant }) => contestant !== 'fails');
  const isTraced = rows.every(({ durability }) => durability.systemCalls?.by === 'strace');
  if (!isTraced) skip('strace may not look here');
  expect(rows.map((row) => [row.contestant, durabilityOf(row)])).toEqual([
    ['forgets', 'memory'],
    ['writes', 'process kill'],
    ['syncs', 'fsync'],
    ['lies', 'process kill (claims: fsync)'],
  ]);
});

test('table and chart name every contestant, also in a chart without a figure', () => {
  const rows = summarize(outcomes);
  for (const { contestant } of rows) expect(table(rows)).toContain(`| ${contestant}`);
  expect(chart('three-step <2>', rows)).toMatch(/^<svg [\s\S]*three-step &lt;2&gt;[\s\S]*<\/svg>\n$/);
  expect(chart('none', [])).not.toContain('NaN');
});
