// One namespace of the store in memory: what a commit changes, and what can be asked of it.

import { isFinalRun } from '../../domain/states.ts';
import {
  type Claim,
  type CommitBatch,
  type EventQuery,
  type EventRecord,
  type NewRun,
  type NewTask,
  type RequestRow,
  type RunFilter,
  type RunNumber,
  type RunRow,
  type RunStatusRow,
  type StoredRun,
  StoreError,
  type TaskRow,
} from '../port.ts';
import { createPayloadData, type PayloadData } from './payload-data.ts';
import { createWorkflowData, type WorkflowData } from './workflow-data.ts';

export interface RunData {
  row: RunRow;
  readonly record: Uint8Array;
  /** By index. */
  readonly tasks: TaskRow[];
  /** By revision. */
  readonly events: EventRecord[];
}

export interface NamespaceData {
  claim(): Claim;
  commit(batch: CommitBatch): void;
  latestRevision(): number;
  run(run: RunNumber): RunData | undefined;
  runById(runId: string): RunData | undefined;
  /** By run number. */
  runs(): readonly RunData[];
  activeRuns(): readonly StoredRun[];
  listRuns(filter: RunFilter): readonly RunRow[];
  findRunIds(runIds: readonly string[]): ReadonlyMap<string, RunNumber>;
  findRequests(requestIds: readonly string[]): ReadonlyMap<string, RequestRow>;
  readEvents(query: EventQuery): readonly EventRecord[];
  /** Kept with a change of workflows. */
  keepRequests(requests: readonly RequestRow[]): void;
  readonly workflows: WorkflowData;
  readonly payloads: PayloadData;
  requestsOlderThan(atMs: number): readonly { readonly atMs: number; remove(): void }[];
}

export function createNamespaceData(): NamespaceData {
  let epoch = 0;
  /** The event of revision n is at n - 1. */
  const events: EventRecord[] = [];
  /** In the order of their numbers: commits come in order. */
  const runs = new Map<RunNumber, RunData>();
  const runNumbers = new Map<string, RunNumber>();
  const requests = new Map<string, RequestRow>();
  const payloads = createPayloadData();

  const check = (batch: CommitBatch): void => {
    if (batch.epoch !== epoch) {
      const message = `namespace ${batch.namespace}: a commit with epoch ${batch.epoch} was refused, the latest is ${epoch}`;
      throw new StoreError('FENCED', message);
    }
    for (const [position, event] of batch.events.entries()) {
      if (event.revision === events.length + 1 + position) continue;
      const message = `namespace ${batch.namespace}: revision ${event.revision} cannot follow ${events.length + position}`;
      throw new StoreError('OUT_OF_ORDER', message);
    }
    const added = new Set<RunNumber>();
    for (const run of batch.newRuns) {
      if (!batch.runs.some((status) => status.run === run.run)) {
        throw new StoreError('FAILED', `the commit brings run ${run.run} without its status`);
      }
      if (runNumbers.has(run.runId) || runs.has(run.run))
        throw new StoreError('FAILED', `run ${run.runId} exists`);
      added.add(run.run);
    }
    const counts = new Map<RunNumber, number>();
    for (const { run, first, tasks } of batch.addedTasks) {
      const ofNew = batch.newRuns.find((one) => one.run === run)?.tasks.length;
      const count = counts.get(run) ?? ofNew ?? runs.get(run)?.tasks.length;
      if (count === undefined)
        throw new StoreError('FAILED', `the commit adds tasks to run ${run}, which does not exist`);
      if (count !== first)
        throw new StoreError('FAILED', `run ${run}: task ${first} was added where ${count} is the next`);
      counts.set(run, first + tasks.length);
    }
    for (const { run } of batch.runs) {
      if (runs.has(run) || added.has(run)) continue;
      throw new StoreError('FAILED', `the commit changes run ${run}, which does not exist`);
    }
  };

  const apply = (batch: CommitBatch): void => {
    const statuses = new Map(batch.runs.map((status) => [status.run, status]));
    for (const run of batch.newRuns) {
      const status = statuses.get(run.run);
      if (status === undefined) throw new Error('checked before');
      runs.set(run.run, createRunData(run, status));
      runNumbers.set(run.runId, run.run);
    }
    for (const { run, first, addedAtMs, tasks } of batch.addedTasks) {
      runs.get(run)?.tasks.push(...tasks.map((task, i) => taskRow(run, first + i, task, addedAtMs)));
    }
    for (const event of batch.events) {
      const copy = copyEvent(event);
      events.push(copy);
      runs.get(event.run)?.events.push(copy);
    }
    for (const status of batch.runs) {
      const run = runs.get(status.run);
      if (run !== undefined) run.row = { ...run.row, ...status, counts: { ...status.counts } };
    }
    for (const status of batch.tasks) {
      const tasks = runs.get(status.run)?.tasks;
      const task = tasks?.[status.task];
      if (tasks !== undefined && task !== undefined) tasks[status.task] = { ...task, ...status };
    }
    for (const request of batch.requests) requests.set(request.requestId, { ...request });
    for (const { run, sha256 } of batch.references) payloads.refer(`run ${run}`, sha256);
  };

  const runById = (runId: string): RunData | undefined => {
    const run = runNumbers.get(runId);
    return run === undefined ? undefined : runs.get(run);
  };

  return {
    claim: () => {
      epoch += 1;
      return { epoch, latestRevision: events.length };
    },
    commit: (batch) => {
      check(batch);
      apply(batch);
    },
    latestRevision: () => events.length,
    run: (run) => runs.get(run),
    runById,
    runs: () => [...runs.values()],
    activeRuns: () => [...runs.values()].filter((run) => !isFinalRun(run.row.phase)).map(toStoredRun),
    listRuns: (filter) => {
      const found = [...runs.values()].map((run) => run.row).filter((row) => matches(row, filter));
      return found.reverse().slice(0, filter.limit);
    },
    findRunIds: (runIds) => select(runNumbers, runIds),
    findRequests: (requestIds) => select(requests, requestIds),
    readEvents: (query) => {
      if (query.run === undefined) return takeEvents(events, query.afterRevision, query);
      const ofRun = runs.get(query.run)?.events ?? [];
      const from = ofRun.findIndex((event) => event.revision > query.afterRevision);
      return from < 0 ? [] : takeEvents(ofRun, from, query);
    },
    keepRequests: (added) => {
      for (const request of added) requests.set(request.requestId, { ...request });
    },
    workflows: createWorkflowData(payloads),
    payloads,
    requestsOlderThan: (atMs) =>
      [...requests.values()]
        .filter((request) => request.atMs < atMs)
        .map((request) => ({ atMs: request.atMs, remove: () => requests.delete(request.requestId) })),
  };
}

function createRunData(run: NewRun, status: RunStatusRow): RunData {
  const { runId, name, submittedAtMs, traceId, workflow, parent } = run;
  return {
    row: {
      ...status,
      ...{ runId, name, labels: { ...run.labels }, submittedAtMs, traceId, workflow, parent },
      archived: false,
    },
    record: run.record.slice(),
    tasks: run.tasks.map((task, index) => taskRow(run.run, index, task, submittedAtMs)),
    events: [],
  };
}

function taskRow(run: RunNumber, index: number, task: NewTask, addedAtMs: number): TaskRow {
  return {
    run,
    task: index,
    key: task.key,
    spec: task.spec.slice(),
    state: task.state,
    reason: 'NONE',
    attemptCount: 0,
    firstReadyAtMs: task.state === 'READY' ? addedAtMs : undefined,
    startedAtMs: undefined,
    endedAtMs: undefined,
  };
}

function toStoredRun(run: RunData): StoredRun {
  const taskSpecs = run.tasks.map((task) => task.spec);
  return { run: run.row.run, runId: run.row.runId, record: run.record, taskSpecs, events: [...run.events] };
}

/** S5: what the caller does with its buffers afterwards changes nothing. */
function copyEvent(event: EventRecord): EventRecord {
  return { ...event, payload: event.payload.slice(), attachment: event.attachment?.slice() };
}

function matches(row: RunRow, filter: RunFilter): boolean {
  return (
    (filter.phases.length === 0 || filter.phases.includes(row.phase)) &&
    Object.entries(filter.labels).every(
      ([label, value]) => Object.hasOwn(row.labels, label) && row.labels[label] === value,
    ) &&
    (filter.submittedFromMs === undefined || row.submittedAtMs >= filter.submittedFromMs) &&
    (filter.submittedBeforeMs === undefined || row.submittedAtMs < filter.submittedBeforeMs) &&
    (filter.before === undefined || row.run < filter.before)
  );
}

function select<T>(all: ReadonlyMap<string, T>, names: readonly string[]): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const name of names) {
    const value = all.get(name);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

function takeEvents(events: readonly EventRecord[], from: number, query: EventQuery): EventRecord[] {
  const taken: EventRecord[] = [];
  let total = 0;
  for (let i = from; i < events.length && taken.length < query.limit; i += 1) {
    const event = events[i];
    if (event === undefined) break;
    total += event.payload.length + (event.attachment?.length ?? 0);
    if (taken.length > 0 && total > query.limitBytes) break;
    taken.push(event);
  }
  return taken;
}
