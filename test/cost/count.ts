// What does a task cost, in counts that are the same whatever else the machine does? Prints them as JSON.
//
// usage: node --expose-gc --no-opt --no-maglev test/cost/count.ts [--shapes NAME,…] [--functions] [--plant NAME]
//
// --functions: how often each function and each loop of it was entered, for a task of a large run. Compare two commits:
//   node … count.ts --functions > after.json; git switch --detach COMMIT; … > before.json; diff before.json after.json
// --plant: with one of slow-downs.ts. --shapes: these only.

import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { GCProfiler } from 'node:v8';
import { plant } from '../simulation/planted/plant.ts';
import type { Counts, Figures } from './limits.ts';
import type { Path, RunInit, Tally } from './path.ts';
import { SLOW_DOWNS } from './slow-downs.ts';
import { type Covered, entered, stepsOf } from './steps.ts';

const LARGE = 1_000;
const SMALL = 100;
const SINGLES = 200;
const STEPS_OF_CHAIN = 100;
const STEPS_OF_LONG_CHAIN = 300;
const WIDTH_OF_FAN = 300;
/** What is made once, such as caches and compiled rules, is not the cost of a task. */
const WARM_UP = 50;

const SHAPES = {
  large: () => [flatRun(LARGE)],
  small: () => Array.from({ length: LARGE / SMALL }, () => flatRun(SMALL)),
  single: () => Array.from({ length: SINGLES }, () => flatRun(1)),
  chain: () => [chainRun(STEPS_OF_CHAIN)],
  longChain: () => [chainRun(STEPS_OF_LONG_CHAIN)],
  fan: () => [fanRun(WIDTH_OF_FAN)],
} as const;

const { values } = parseArgs({
  options: {
    functions: { type: 'boolean', default: false },
    plant: { type: 'string' },
    shapes: { type: 'string' },
  },
});
const session = new Session();
session.connect();
await session.post('Profiler.enable');
// Before the code in question is loaded: what was compiled already is counted by functions only, not by blocks.
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const slowDown = SLOW_DOWNS.find(({ name }) => name === values.plant);
if (values.plant !== undefined && slowDown === undefined) throw new Error(`no slow-down ${values.plant}`);
const isPlanted = slowDown === undefined ? () => true : plant(slowDown);
const { openPath } = await import('./path.ts');
if (!isPlanted()) throw new Error(`the path of a task does not load what "${values.plant}" changes`);

const path = await openPath();
for (const shape of [flatRun(WARM_UP), chainRun(WARM_UP), fanRun(WARM_UP)]) await path.carry([shape]);
const figures: Record<string, Counts> = {};
const wanted = values.shapes?.split(',');
for (const [name, runs] of Object.entries(SHAPES)) {
  if (wanted?.includes(name) === false) continue;
  const { counts, coverage } = await count(path, runs());
  figures[name] = counts;
  if (values.functions && name === 'large') print(entered(coverage, LARGE));
}
if (!values.functions) print(figures satisfies Figures);
await path.close();

/** For each task. */
async function count(
  on: Path,
  runs: readonly RunInit[],
): Promise<{ counts: Counts; coverage: readonly Covered[] }> {
  const tasks = runs.reduce((sum, run) => sum + (run.tasks?.length ?? 0), 0);
  const before: Tally = { ...on.tally };
  await session.post('Profiler.takePreciseCoverage'); // Begins anew.
  const bytes = await allocatedBytes(() => on.carry(runs));
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const tally = (name: keyof Tally) => perTask(on.tally[name] - before[name], tasks);
  const counts = {
    steps: perTask(stepsOf(result), tasks),
    allocatedBytes: perTask(bytes, tasks),
    events: tally('events'),
    eventBytes: tally('eventBytes'),
    commits: tally('commits'),
    statements: tally('statements'),
    messages: tally('messages'),
    messageBytes: tally('messageBytes'),
  };
  return { counts, coverage: result };
}

/** What the heap has grown by, and what was collected of it meanwhile. */
async function allocatedBytes(work: () => Promise<void>): Promise<number> {
  const profiler = new GCProfiler();
  globalThis.gc?.();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  await work();
  const grown = process.memoryUsage().heapUsed - before;
  const collected = (profiler.stop()?.statistics ?? []).map(
    ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
  );
  return collected.reduce((sum, each) => sum + each, grown);
}

function perTask(value: number, tasks: number): number {
  return Number((value / tasks).toFixed(3));
}

function flatRun(tasks: number): RunInit {
  return { name: 'flat', tasks: Array.from({ length: tasks }, (_, index) => task(`t${index}`, [])) };
}

function chainRun(steps: number): RunInit {
  return {
    name: 'chain',
    tasks: Array.from({ length: steps }, (_, index) =>
      task(`t${index}`, index === 0 ? [] : [`t${index - 1}`]),
    ),
  };
}

function fanRun(width: number): RunInit {
  const middle = Array.from({ length: width }, (_, index) => `m${index}`);
  return {
    name: 'fan',
    tasks: [task('first', []), ...middle.map((key) => task(key, ['first'])), task('last', middle)],
  };
}

function task(key: string, after: readonly string[]) {
  return { key, capability: 'noop', dependencies: after.map((upstream) => ({ key: upstream })) };
}

function print(what: object): void {
  process.stdout.write(`${JSON.stringify(what, undefined, 1)}\n`);
}
