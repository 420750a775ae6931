// Batches for the contract suite: runs, events and rows with everything filled in.

import type { TaskState } from '../../domain/states.ts';
import type {
  CommitBatch,
  EventRecord,
  NewRun,
  NewTask,
  RequestRow,
  RunNumber,
  RunStatusRow,
  TaskStatusRow,
} from '../port.ts';

export const NAMESPACE = 'orchestra';
export const SUBMITTED_AT_MS = 1_790_000_000_000;

const encoder = new TextEncoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function batch(epoch: number, parts: Partial<CommitBatch> = {}): CommitBatch {
  return {
    namespace: NAMESPACE,
    epoch,
    events: [],
    newRuns: [],
    addedTasks: [],
    runs: [],
    tasks: [],
    requests: [],
    references: [],
    ...parts,
  };
}

export function event(revision: number, parts: Partial<EventRecord> = {}): EventRecord {
  return { revision, run: 1, task: -1, payload: bytes(`event ${revision}`), attachment: undefined, ...parts };
}

export function newRun(run: RunNumber, parts: Partial<NewRun> = {}): NewRun {
  return {
    run,
    runId: `run-${run}`,
    name: `Run ${run}`,
    labels: {},
    submittedAtMs: SUBMITTED_AT_MS + run,
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    workflow: undefined,
    parent: undefined,
    links: [],
    record: bytes(`record ${run}`),
    tasks: newTasks(2),
    ...parts,
  };
}

/** The first is READY, all others WAITING. */
export function newTasks(count: number): NewTask[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `task-${i}`,
    spec: bytes(`spec ${i}`),
    state: i === 0 ? 'READY' : 'WAITING',
  }));
}

export function runStatus(run: RunNumber, parts: Partial<RunStatusRow> = {}): RunStatusRow {
  return {
    run,
    phase: 'RUNNING',
    reason: 'NONE',
    message: '',
    paused: false,
    endedAtMs: undefined,
    lastRevision: run,
    failedTask: '',
    counts: counts({ READY: 1, WAITING: 1 }),
    ...parts,
  };
}

export function counts(some: Partial<Record<TaskState, number>>): Record<TaskState, number> {
  const none = {
    WAITING: 0,
    READY: 0,
    RUNNING: 0,
    RETRYING: 0,
    COMPLETED: 0,
    FAILED: 0,
    CANCELLED: 0,
    SKIPPED: 0,
  };
  return { ...none, ...some };
}

export function taskStatus(run: RunNumber, task: number, parts: Partial<TaskStatusRow> = {}): TaskStatusRow {
  return {
    run,
    task,
    state: 'RUNNING',
    reason: 'NONE',
    attemptCount: 1,
    firstReadyAtMs: SUBMITTED_AT_MS + 10,
    startedAtMs: SUBMITTED_AT_MS + 20,
    endedAtMs: undefined,
    dependencies: undefined,
    ...parts,
  };
}

export function request(requestId: string, parts: Partial<RequestRow> = {}): RequestRow {
  return { requestId, fingerprint: 'f00d', atMs: SUBMITTED_AT_MS, answer: '{"runId":"run-1"}', ...parts };
}

/** One new run at the given revision, submitted and nothing more. */
export function submission(epoch: number, run: RunNumber, parts: Partial<NewRun> = {}): CommitBatch {
  return batch(epoch, {
    events: [event(run, { run })],
    newRuns: [newRun(run, parts)],
    runs: [runStatus(run)],
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
