// Runs that end at once and are deleted again, one after the other, and what they leave is swept (S10).

import {
  batch,
  event,
  newRun,
  request,
  runStatus,
} from '../../../services/orchestrator/src/store/contract/batches.ts';
import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import { expectSame, type Lane } from './lane.ts';

const NAMESPACE = 'deletions';

/** Even steps submit the next run, odd ones delete it. */
const runOf = (step: number) => (step >> 1) + 1;
const requestOf = (step: number) => request(`delete-${step}`);

async function submit(store: Store, step: number, epoch: number): Promise<void> {
  const run = runOf(step);
  const status = runStatus(run, { phase: 'COMPLETED', endedAtMs: 5, lastRevision: run });
  const parts = { events: [event(run, { run })], newRuns: [newRun(run)], runs: [status] };
  await store.commit(batch(epoch, { namespace: NAMESPACE, ...parts }));
}

async function remove(store: Store, step: number, epoch: number): Promise<void> {
  const action = { type: 'DELETE' } as const;
  const requests = [requestOf(step)];
  const outcome = await store.changeRun({ namespace: NAMESPACE, epoch, run: runOf(step), action, requests });
  if (outcome !== 'DONE') throw new Error(`deleting run ${runOf(step)} was answered with ${outcome}`);
  if (runOf(step) % 3 === 0) await store.sweepDeletedRuns(1_000);
}

async function recover(store: Store): Promise<number> {
  const runs = await store.latestRevision(NAMESPACE);
  const ids = Array.from({ length: runs + 1 }, (_, i) => `run-${i + 1}`);
  const found = [...(await store.findRunIds(NAMESPACE, ids)).values()];
  const steps = runs * 2 - (found.length > 0 ? 1 : 0);
  expectSame('the runs that are left', found, steps % 2 === 1 ? [runs] : []);
  const requests = Array.from({ length: runs + 1 }, (_, i) => requestOf(i * 2 + 1).requestId);
  const answered = await store.findRequests(NAMESPACE, requests);
  expectSame('the answered requests', answered.size, steps >> 1);
  return steps;
}

export function createDeletions(): Lane {
  let epoch = 0;
  return {
    name: NAMESPACE,
    begin: async (store) => {
      ({ epoch } = await store.claim(NAMESPACE));
      return epoch;
    },
    step: (store, number) => (number % 2 === 0 ? submit : remove)(store, number, epoch),
    recover,
  };
}
