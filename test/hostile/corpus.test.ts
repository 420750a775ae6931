// What does hostile input do? (Issue 4, 6.) Nothing: each entry of the corpus gets the answer that it
// names, with a reason, while honest work goes on; afterwards the process is the same one, its log tells
// of no defect, nothing of it is stored, no connection is left and the memory is bounded.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStored, type Stored } from '../support/stored.ts';
import { type Entry, readCorpus } from './corpus.ts';
import { type Scene, setScene } from './scene.ts';
import { problemOf } from './send.ts';

/** Twice what the largest message takes while it is decoded, and what a process takes that has done nothing. */
const HEAP_MIB = 768;
const RSS_LIMIT_MIB = 1_200;
const AT_ONCE = 4;

const corpus = readCorpus();
let scene: Scene;
let before: Stored;
let socketsBefore: number;

beforeAll(async () => {
  scene = await setScene({ heapMiB: HEAP_MIB });
  await scene.canary.next();
  before = await stored();
  socketsBefore = scene.watchdog.sockets();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

test('the corpus has at least 300 entries', () => {
  expect([...corpus.values()].flat().length).toBeGreaterThanOrEqual(300);
});

test.each([...corpus].filter(([file]) => file !== 'acts'))('%s', async (_file, entries) => {
  expect(await problemsOf(entries, AT_ONCE)).toEqual([]);
  await scene.canary.next();
});

test('what executors were refused is counted by kind and reason', async () => {
  const metrics = await (await fetch(`http://${scene.http}/metrics`)).text();
  for (const [kind, reason] of [
    ['register', 'INVALID_FIELD'],
    ['heartbeat', 'UNKNOWN_SESSION'],
    ['report', 'STALE'],
    ['addition', 'NO_LEASE'],
    ['getPayload', 'MALFORMED_MESSAGE'],
    ['report', 'LIMIT_REACHED'],
  ]) {
    expect(metrics).toContain(`tutti_executor_messages_refused_total{kind="${kind}",reason="${reason}"}`);
  }
});

test('nothing of it is stored', async () => {
  expect(await stored()).toEqual(before);
});

// These change what is stored: executors register, and a report is recorded.
test.each(corpus.get('acts') ?? [])('$door: $name', async (entry) => {
  expect(await problemsOf([entry], 1)).toEqual([]);
});

test('all of it is over: same process, no defect in its log, no connection left, memory bounded', async () => {
  await scene.canary.next();
  expect(scene.watchdog.problem()).toBeUndefined();
  expect(scene.canary.problem).toBeUndefined();
  expect(scene.watchdog.sockets()).toBeLessThanOrEqual(socketsBefore + 4);
  expect(scene.watchdog.peakRssMiB()).toBeLessThan(RSS_LIMIT_MIB);
});

async function problemsOf(entries: readonly Entry[], atOnce: number): Promise<readonly string[]> {
  const problems: string[] = [];
  const queue = entries.values();
  const work = async () => {
    for (const entry of queue) {
      const problem = (await problemOf(scene, entry)) ?? scene.watchdog.problem();
      if (problem !== undefined) problems.push(problem);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return problems;
}

/** But for the canary's own, which go on. */
async function stored(): Promise<Stored> {
  const all = await readStored(scene.stack);
  return { ...all, submitted: all.submitted.filter((line) => !line.includes('"canary"')) };
}
