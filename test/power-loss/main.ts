// Cuts the power at every call that the store makes to its files, fails these calls, kills it at them, and
// says what was lost.
//
//   npm run power-loss -- [--seed N] [--every N] [--random N] [--faults-every N] [--trace FILE]
//
// Ends with 0 where nothing was lost and every planted bug was found.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endOnSignals, helpIfAsked, misused } from '../support/command.ts';
import { type CheckOptions, checkImages, type Report } from './check-images.ts';
import { findDifference } from './disk/faithful.ts';
import { losePower } from './disk/lost.ts';
import { failCalls } from './fail-calls.ts';
import { PLANTED } from './planted.ts';
import { type RecordOptions, readRecorded, record, type Trace } from './recorder/record.ts';
import { findRecorder } from './recorder/recorder.ts';
import { writeTrace } from './recorder/trace.ts';
import { openScratchSpace, type ScratchSpace } from './scratch-space.ts';

const USAGE = `usage: npm run power-loss -- [--seed N] [--every N] [--random N] [--faults-every N] [--trace FILE]
  --seed N          of the random parts; 1
  --every N         the power is cut at every Nth boundary; 1
  --random N        random disks for each boundary; 2
  --faults-every N  faults at every Nth call; 10
  --trace FILE      cuts the power in a recording that was kept`;
const MAX_VIOLATIONS = 10;
/** At the syncs of a life: the first commits come at about the fifteenth. */
const KILLED_AT_SYNCS = [15, 20, 25, 30, 35, 40, 45, 50];

/** So many disks that a power loss left are gone on with. */
const LOST_TWICE = 3;

interface Life extends Omit<RecordOptions, 'recorder'> {
  readonly what: string;
}

const LIVES: readonly Life[] = [
  { what: 'as shipped: opened, closed and opened again', processes: [{ phases: [7, 7] }] },
  { what: 'with a checkpoint every 40 pages', processes: [{ phases: [10] }], alteration: 'MANY_CHECKPOINTS' },
];

/** A commit is written and not synced, and the next process shows it. */
const KILLED: readonly Life[] = KILLED_AT_SYNCS.map((sync) => ({
  what: `killed at sync ${sync}, and opened again`,
  processes: [{ phases: [6], fault: `kill ${sync} syncs` }, { phases: [1] }],
}));

/** Errno 5: every sync fails from one on, until the process gives up. */
const UNSYNCED: readonly Life[] = KILLED_AT_SYNCS.map((sync) => ({
  what: `every sync fails from ${sync} on, and opened again`,
  processes: [{ phases: [6], fault: `5 ${sync} 1000000 syncs` }, { phases: [1] }],
}));
const kept = join(import.meta.dirname, '../../.cache/power-loss');

interface Settings {
  readonly seed: number;
  readonly every: number;
  readonly randomImages: number;
  readonly faultsEvery: number;
  readonly trace: string | undefined;
}

/** Throws on what it does not know. */
function readSettings(): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { seed: text, every: text, random: text, 'faults-every': text, trace: text },
  });
  const number = (
    name: 'seed' | 'every' | 'random' | 'faults-every',
    otherwise: number,
    least: number,
  ): number => {
    const value = values[name] === undefined ? otherwise : Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new Error(`--${name} ${values[name]}: give a whole number, ${least} or more`);
  };
  return {
    seed: number('seed', 1, 0),
    every: number('every', 1, 1),
    randomImages: number('random', 2, 0),
    faultsEvery: number('faults-every', 10, 1),
    trace: values.trace,
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printReport(report: Report): void {
  const { boundaries, images, opened, acknowledged, violations } = report;
  print(
    `  ${boundaries} boundaries, ${images} images (${opened} different), ${acknowledged} acknowledged steps, ` +
      `${violations.length} violations`,
  );
  for (const violation of violations.slice(0, MAX_VIOLATIONS)) print(`  VIOLATION ${violation}`);
}

function cutPower(
  trace: Trace,
  space: ScratchSpace,
  settings: Settings,
  other: Partial<CheckOptions> = {},
): Promise<Report> {
  const { seed, every, randomImages } = settings;
  const options = { seed, every, randomImages, maxViolations: MAX_VIOLATIONS, ...other };
  return checkImages(trace, space.auditors, space.folder, options);
}

/** Returns how many violations there were. */
async function cutEveryLife(
  recorder: string,
  space: ScratchSpace,
  settings: Settings,
  lives: readonly Life[],
  other: Partial<CheckOptions> = {},
): Promise<number> {
  let violations = 0;
  for (const { what, ...options } of lives) {
    print(`power loss, ${what}`);
    using recording = await record({ recorder, ...options });
    const different = recording.exit === 0 ? findDifference(recording) : recording.output;
    if (different !== undefined) throw new Error(`the recording is of no use: ${different}`);
    const report = await cutPower(recording, space, settings, other);
    printReport(report);
    violations += report.violations.length;
    if (report.violations.length === 0) continue;
    mkdirSync(kept, { recursive: true });
    const file = join(kept, `violation-${Date.now()}.trace`);
    writeFileSync(file, writeTrace(recording.calls));
    print(
      `  the same again: npm run power-loss -- --trace ${file} --seed ${settings.seed} --random ${settings.randomImages}`,
    );
  }
  return violations;
}

/** Processes that begin on what a power loss left. */
async function livesAfterLoss(recorder: string, seed: number): Promise<readonly Life[]> {
  using recording = await record({ recorder, processes: [{ phases: [6] }] });
  return Array.from({ length: LOST_TWICE }, (_, i) => ({
    what: `on what a power loss left, ${i + 1} of ${LOST_TWICE}`,
    processes: [{ phases: [2] }],
    found: losePower(recording.root, recording.calls, seed + i),
  }));
}

/** Returns how many were not found. */
async function findPlanted(recorder: string, space: ScratchSpace, settings: Settings): Promise<number> {
  print('planted bugs, each to be found');
  let missed = 0;
  for (const { what, alteration, ignoreSyncs, cut } of PLANTED) {
    using recording = await record({
      recorder,
      processes: [{ phases: [4] }],
      ...(alteration === undefined ? {} : { alteration }),
    });
    const { violations } = await cutPower(recording, space, settings, { ...cut, ignoreSyncs });
    if (violations.length === 0) missed += 1;
    print(`  ${what}: ${violations[0] === undefined ? 'NOT FOUND' : `found: ${violations[0]}`}`);
  }
  return missed;
}

async function run(settings: Settings): Promise<boolean> {
  using space = openScratchSpace();
  if (settings.trace !== undefined) {
    const report = await cutPower(readRecorded(readFileSync(settings.trace)), space, settings);
    printReport(report);
    return report.violations.length === 0;
  }
  const recorder = findRecorder(true);
  if ('missing' in recorder) throw new Error(recorder.missing);
  const ofPromises = { of: 'PROMISES', every: 1 } as const;
  const lost =
    (await cutEveryLife(recorder.path, space, settings, LIVES)) +
    (await cutEveryLife(recorder.path, space, settings, [...KILLED, ...UNSYNCED], ofPromises)) +
    (await cutEveryLife(recorder.path, space, settings, await livesAfterLoss(recorder.path, settings.seed)));
  const missed = await findPlanted(recorder.path, space, settings);
  const failed = await failCalls(recorder.path, space, settings, print);
  print(`${lost + failed} violations, ${missed} planted bugs not found`);
  return lost + missed + failed === 0;
}

helpIfAsked(USAGE);
// What is on the disk goes with the process, also where it is told to end.
endOnSignals();
const settings = (() => {
  try {
    return readSettings();
  } catch (error) {
    return misused(error, USAGE);
  }
})();
const startedAtMs = performance.now();
try {
  process.exitCode = (await run(settings)) ? 0 : 1;
} catch (error) {
  print(`power-loss: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
print(`took ${((performance.now() - startedAtMs) / 1_000).toFixed(0)} s`);
