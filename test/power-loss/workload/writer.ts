// A process that uses the store as shipped, from several sides at once, and notes every acknowledgement.
//
//   node writer.ts FOLDER NOTES STEPS...
//
// FOLDER is the data folder. For each number of STEPS: opens the store, reads what is there, does so many
// steps in every lane, and closes it; after the last one it leaves without closing. A step that the store refuses with
// FAILED may have happened: like an engine, the lane then claims anew and reads how far it got. Prints
// how the store refused what it refused; ends with 0, or with 3 where the store could be used no more.

import { openSync, writeSync } from 'node:fs';
import { type Store, StoreError } from '../../../services/orchestrator/src/store/port.ts';
import { openSqliteStore } from '../../../services/orchestrator/src/store/sqlite/open.ts';
import type { Lane } from './lane.ts';
import { createLanes } from './lanes.ts';
import { type Note, writeNote } from './notes.ts';

/** Above what any fault of a test lasts. */
const MAX_REFUSALS = 200;
const STOPPED = 3;

const [folder = '', notesPath = '', ...phases] = process.argv.slice(2);
const notes = openSync(notesPath, 'a');
const lanes = createLanes();
let refusals = 0;

function say(lane: Lane, what: Note['what'], value: number): void {
  writeSync(notes, writeNote({ lane: lane.name, what, value }));
}

/** Repeats what the store answers with FAILED; what else it throws is a bug. */
async function insist<T>(what: string, lane: Lane | undefined, act: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof StoreError) || (error.code !== 'FAILED' && error.code !== 'UNUSABLE'))
        throw error;
      process.stdout.write(`${what}: ${error.code} ${error.message}\n`);
      if (lane !== undefined) say(lane, 'REFUSED', 0);
      refusals += 1;
      if (refusals > MAX_REFUSALS) process.exit(STOPPED);
    }
  }
}

/** Returns how many steps there are: whoever is shown them may rely on them. */
async function look(store: Store, lane: Lane): Promise<number> {
  const steps = await insist(`${lane.name} read`, lane, () => lane.recover(store));
  if (steps > 0) say(lane, 'READ', steps - 1);
  return steps;
}

async function takeOver(store: Store, lane: Lane): Promise<number> {
  const epoch = await insist(`${lane.name} claim`, lane, () => lane.begin(store));
  if (epoch > 0) say(lane, 'EPOCH', epoch);
  return look(store, lane);
}

async function work(store: Store, lane: Lane, steps: number): Promise<void> {
  let done = await takeOver(store, lane);
  for (const end = done + steps; done < end; ) {
    const number = done;
    say(lane, 'BEGUN', number);
    try {
      await lane.step(store, number);
      say(lane, 'ACKNOWLEDGED', number);
      done += 1;
    } catch (error) {
      await insist(`${lane.name} step ${number}`, lane, () =>
        refused(error) ? Promise.resolve() : Promise.reject(error),
      );
      done = await takeOver(store, lane);
    }
  }
}

function refused(error: unknown): boolean {
  if (!(error instanceof StoreError) || error.code !== 'FAILED') return false;
  process.stdout.write(`${error.code} ${error.message}\n`);
  return true;
}

for (const [index, steps] of phases.entries()) {
  const store = await insist('open', undefined, () => openSqliteStore({ folder }));
  // Before anything is written: what is shown now must stay.
  for (const lane of lanes) await look(store, lane);
  await Promise.all(lanes.map((lane) => work(store, lane, Number(steps))));
  if (index < phases.length - 1) await store.close();
}
process.exit(0);
