// A namespace that is written as an engine writes it: batches of events with the rows that they change.

import {
  batch,
  bytes,
  collect,
  event,
  newRun,
  newTasks,
  request,
  runStatus,
  taskStatus,
} from '../../../services/orchestrator/src/store/contract/batches.ts';
import type { CommitBatch, EventRecord, Store } from '../../../services/orchestrator/src/store/port.ts';
import { contentOf, expectSame, type Lane, Torn } from './lane.ts';

const NAMESPACE = 'commits';
/** Events of the steps, over and over. */
const EVENTS = [1, 3, 20, 2, 7];
const EVENTS_OF_ALL = EVENTS.reduce((sum, count) => sum + count, 0);
/** So many steps are about one run, the first of which submits it. */
const STEPS_OF_A_RUN = 4;
const TASKS_SUBMITTED = 6;
const TASKS_ADDED = 2;
const STEP_THAT_ADDS = 2;
const ANY_NUMBER = 1_000_000;

/** How many events the steps before this one brought. */
function eventsBefore(step: number): number {
  const rest = EVENTS.slice(0, step % EVENTS.length);
  return Math.floor(step / EVENTS.length) * EVENTS_OF_ALL + rest.reduce((sum, count) => sum + count, 0);
}

/** The step that submitted the run which this one is about. */
function submissionOf(step: number): number {
  return step - (step % STEPS_OF_A_RUN);
}

function runOf(step: number): number {
  return eventsBefore(submissionOf(step)) + 1;
}

function eventsOf(step: number): readonly EventRecord[] {
  const before = eventsBefore(step);
  return Array.from({ length: eventsBefore(step + 1) - before }, (_, i) => {
    const revision = before + 1 + i;
    const attachment = revision % 3 === 0 ? contentOf(`attachment ${revision}`, 200) : undefined;
    const payload = contentOf(`event ${revision}`, 20 + ((revision * 137) % 700));
    return event(revision, { run: runOf(step), task: (i % TASKS_SUBMITTED) - 1, payload, attachment });
  });
}

const statusAfter = (step: number) =>
  runStatus(runOf(step), { message: `step ${step}`, lastRevision: eventsBefore(step + 1) });
/** Two of them, others than in the step before. */
const movedBy = (step: number) => [step % TASKS_SUBMITTED, (step + 3) % TASKS_SUBMITTED];
const requestOf = (step: number) => request(`request-${step}`, { answer: `{"step":${step}}` });

function batchOf(step: number, epoch: number): CommitBatch {
  const run = runOf(step);
  const submits = submissionOf(step) === step;
  const adds = step % STEPS_OF_A_RUN === STEP_THAT_ADDS;
  const labels = { step: String(step), kind: 'power' };
  return batch(epoch, {
    namespace: NAMESPACE,
    events: eventsOf(step),
    newRuns: submits ? [newRun(run, { labels, tasks: newTasks(TASKS_SUBMITTED) })] : [],
    addedTasks: adds
      ? [{ run, first: TASKS_SUBMITTED, addedAtMs: step, tasks: addedBy(step), links: [] }]
      : [],
    runs: [statusAfter(step)],
    tasks: movedBy(step).map((task) => taskStatus(run, task, { attemptCount: step })),
    requests: [requestOf(step)],
  });
}

function addedBy(step: number) {
  return newTasks(TASKS_ADDED).map((task, i) => ({
    ...task,
    key: `added-${i}`,
    spec: bytes(`added ${step}`),
  }));
}

export function createCommits(): Lane {
  let epoch = 0;
  return {
    name: NAMESPACE,
    begin: async (store) => {
      ({ epoch } = await store.claim(NAMESPACE));
      return epoch;
    },
    step: (store, number) => store.commit(batchOf(number, epoch)),
    recover,
  };
}

async function recover(store: Store): Promise<number> {
  const runs = await store.listRuns(NAMESPACE, {
    phases: [],
    labels: { kind: 'power' },
    submittedFromMs: undefined,
    submittedBeforeMs: undefined,
    before: undefined,
    limit: ANY_NUMBER,
  });
  const latest = runs[0]?.message.match(/^step (\d+)$/)?.[1];
  if (runs.length > 0 && latest === undefined)
    throw new Torn(`the latest run is at ${String(runs[0]?.message)}`);
  const steps = latest === undefined ? 0 : Number(latest) + 1;
  expectSame('the latest revision', await store.latestRevision(NAMESPACE), eventsBefore(steps));
  const query = { afterRevision: 0, run: undefined, limit: ANY_NUMBER, limitBytes: ANY_NUMBER * 1_000 };
  const events = Array.from({ length: steps }, (_, step) => eventsOf(step)).flat();
  expectSame('the events', await store.readEvents(NAMESPACE, query), events);
  const submissions = Array.from({ length: Math.ceil(steps / STEPS_OF_A_RUN) }, (_, i) => i * STEPS_OF_A_RUN);
  expectSame('the number of runs', runs.length, submissions.length);
  for (const submission of submissions) {
    const last = Math.min(submission + STEPS_OF_A_RUN, steps) - 1;
    const { run, message, lastRevision } = statusAfter(last);
    const found = runs.find((row) => row.run === run);
    const expected = { run, message, lastRevision, runId: `run-${run}`, label: String(submission) };
    expectSame(`run ${run}`, found && pick(found), expected);
  }
  await recoverTasks(store, steps, submissions);
  await recoverRequests(store, steps);
  await recoverLoading(store, submissions, events);
  return steps;
}

function pick(row: Awaited<ReturnType<Store['listRuns']>>[number]) {
  const { run, message, lastRevision, runId, labels } = row;
  return { run, message, lastRevision, runId, label: labels['step'] };
}

async function recoverTasks(store: Store, steps: number, submissions: readonly number[]): Promise<void> {
  for (const submission of submissions) {
    const end = Math.min(submission + STEPS_OF_A_RUN, steps);
    const rows = await store.listTasks(NAMESPACE, runOf(submission), { states: [], after: -1, limit: 100 });
    const added = end > submission + STEP_THAT_ADDS ? TASKS_ADDED : 0;
    const attempts = new Array<number>(TASKS_SUBMITTED + added).fill(0);
    for (let step = submission; step < end; step += 1)
      for (const task of movedBy(step)) attempts[task] = step;
    const found = rows.map((row) => row.attemptCount);
    expectSame(`the tasks of run ${runOf(submission)}`, found, attempts);
  }
}

async function recoverRequests(store: Store, steps: number): Promise<void> {
  // One more than there may be.
  const ids = Array.from({ length: steps + 1 }, (_, step) => requestOf(step).requestId);
  const found = await store.findRequests(NAMESPACE, ids);
  const expected = Array.from({ length: steps }, (_, step) => requestOf(step).answer);
  expectSame(
    'the answered requests',
    ids.flatMap((id) => found.get(id)?.answer ?? []),
    expected,
  );
}

/** As an engine takes over. */
async function recoverLoading(
  store: Store,
  submissions: readonly number[],
  events: readonly EventRecord[],
): Promise<void> {
  const stored = await collect(store.loadActiveRuns(NAMESPACE));
  expectSame(
    'the runs to load',
    stored.map(({ run }) => run),
    submissions.map(runOf),
  );
  for (const { run, events: found } of stored) {
    expectSame(
      `the events of run ${run}`,
      found,
      events.filter((one) => one.run === run),
    );
  }
}
