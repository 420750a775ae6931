// Nothing acknowledged is lost and nothing torn is read, wherever the power is cut: a sample of what
// `npm run power-loss` does in full.

import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { checkFault, type Fault } from './check-fault.ts';
import { checkImages } from './check-images.ts';
import { findDifference } from './disk/faithful.ts';
import { losePower } from './disk/lost.ts';
import { PLANTED } from './planted.ts';
import { type Recording, type RecordOptions, record } from './recorder/record.ts';
import { findRecorder } from './recorder/recorder.ts';
import { openScratchSpace, type ScratchSpace } from './scratch-space.ts';

const found = findRecorder(false);
const SEED = 1;
/** Of the boundaries, which are about a thousand in a life. */
const EVERY = 40;
const FAULTS: readonly Fault[] = [
  { type: 'KILL', call: 40 },
  { type: 'KILL', call: 290 },
  { type: 'ENOSPC', call: 150, calls: 25 },
  { type: 'EIO', call: 200, calls: 1 },
  { type: 'EIO_OF_READ', call: 12, calls: 1 },
];

let space: ScratchSpace;

beforeAll(() => {
  space = openScratchSpace();
});

afterAll(() => {
  space[Symbol.dispose]();
});

/** A machine that cannot record proves nothing here: the test is skipped, and says what to install. */
function recorderOr(context: TestContext): string {
  if ('missing' in found) return context.skip(`power loss was NOT checked: ${found.missing}`);
  return found.path;
}

async function recordWhole(options: RecordOptions): Promise<Recording> {
  const recording = await record(options);
  expect(recording.exit, recording.output).toBe(0);
  expect(findDifference(recording), 'a call was missed').toBeUndefined();
  return recording;
}

const options = { seed: SEED, randomImages: 1, every: EVERY, maxViolations: 3 };

it('promise 1: as shipped, everything acknowledged survives, whatever of the rest is on the disk', async (context) => {
  using recording = await recordWhole({ recorder: recorderOr(context), processes: [{ phases: [4, 4] }] });
  const report = await checkImages(recording, space.auditors, space.folder, options);
  expect(report.violations).toEqual([]);
  expect(report.acknowledged).toBeGreaterThanOrEqual(32);
  expect(report.opened).toBeGreaterThan(100);
});

it('promise 1: also while the log goes into the database and begins anew', async (context) => {
  const recorder = recorderOr(context);
  using recording = await recordWhole({
    recorder,
    processes: [{ phases: [8] }],
    alteration: 'MANY_CHECKPOINTS',
  });
  const logHeaders = recording.calls.filter((call) => call.type === 'WRITE' && call.bytes.length === 32);
  expect(logHeaders.length).toBeGreaterThan(3);
  const report = await checkImages(recording, space.auditors, space.folder, options);
  expect(report.violations).toEqual([]);
});

/** It dies with a commit that is written, and not synced: the next process sees it. */
it.for([20, 23])('promise 3: what is shown after a kill at sync %i stays', async (sync, context) => {
  const first = { phases: [6], fault: `kill ${sync} syncs` };
  const processes = [first, { phases: [1] }];
  using recording = await recordWhole({ recorder: recorderOr(context), processes });
  const promises = { ...options, every: 1, of: 'PROMISES' } as const;
  const report = await checkImages(recording, space.auditors, space.folder, promises);
  expect(report.violations).toEqual([]);
});

/** The system takes the pages for written: a later sync says nothing of them. */
it('promise 1: a commit whose sync failed takes down nothing that the next process commits', async (context) => {
  const first = { phases: [3], fault: '5 20 1000000 syncs' };
  const processes = [first, { phases: [1] }];
  using recording = await recordWhole({ recorder: recorderOr(context), processes });
  expect(recording.calls.filter((call) => call.type === 'SYNC' && call.failed).length).toBeGreaterThan(0);
  const promises = { ...options, every: 1, of: 'PROMISES' } as const;
  const report = await checkImages(recording, space.auditors, space.folder, promises);
  expect(report.violations).toEqual([]);
});

it('promise 1: a process that begins on what a power loss left may lose its power, too', async (context) => {
  const recorder = recorderOr(context);
  using first = await recordWhole({ recorder, processes: [{ phases: [3] }] });
  const found = losePower(first.root, first.calls, SEED);
  using second = await recordWhole({ recorder, processes: [{ phases: [1] }], found });
  const report = await checkImages(second, space.auditors, space.folder, { ...options, every: 10 });
  expect(report.violations).toEqual([]);
});

it.for(PLANTED)('finds a planted bug: $what', async ({ alteration, ignoreSyncs, cut }, context) => {
  const recorder = recorderOr(context);
  using recording = await recordWhole({
    recorder,
    processes: [{ phases: [3] }],
    ...(alteration && { alteration }),
  });
  const planted = { ...options, ...cut, maxViolations: 1, ignoreSyncs };
  expect((await checkImages(recording, space.auditors, space.folder, planted)).violations).not.toEqual([]);
});

it.for(FAULTS)('promise 1: nothing acknowledged is lost by $type at call $call', async (fault, context) => {
  const report = await checkFault(recorderOr(context), [2, 2], fault, space, SEED);
  expect(report.violations).toEqual([]);
  expect(report.met).toBe(true);
  if (fault.type !== 'KILL' && fault.calls > 1) expect(report.refusals).toBeGreaterThan(0);
});
