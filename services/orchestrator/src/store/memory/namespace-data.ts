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
import type { RunChange, RunChangeOutcome } from '../port-run-life.ts';
import { createPayloadData, type PayloadData } from './payload-data.ts';
import { createWorkflowData, type WorkflowData } from './workflow-data.ts';

export interface RunData {
  row: RunRow;
  readonly record: Uint8Array;
  readonly links: Set<RunNumber>;
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
  storedRun(runId: string): StoredRun | undefined;
  listRuns(filter: RunFilter): readonly RunRow[];
  findRunIds(runIds: readonly string[]): ReadonlyMap<string, RunNumber>;
  findRequests(requestIds: readonly string[]): ReadonlyMap<string, RequestRow>;
  readEvents(query: EventQuery): readonly EventRecord[];
  /** S10. */
  changeRun(change: RunChange): RunChangeOutcome;
  linkingRuns(run: RunNumber): readonly RunData[];
  retentionMs: number | undefined;
  /** Kept with a change of workflows. */
  keepRequests(requests: readonly RequestRow[]): void;
  readonly workflows: WorkflowData;
  readonly payloads: PayloadData;
  requestsOlderThan(atMs: number): readonly { readonly atMs: number; remove(): void }[];
}

export function createNamespaceData(): NamespaceData {
  let epoch = 0;
  /** The event of revision n is at n - 1; those of deleted runs are gone. */
  const events: (EventRecord | undefined)[] = [];
  /** In the order of their numbers: commits come in order. */
  const runs = new Map<RunNumber, RunData>();
  const runNumbers = new Map<string, RunNumber>();
  const requests = new Map<string, RequestRow>();
  const payloads = createPayloadData();

  const checkEpoch = (namespace: string, claimed: number): void => {
    if (claimed === epoch) return;
    const message = `namespace ${namespace}: a commit with epoch ${claimed} was refused, the latest is ${epoch}`;
    throw new StoreError('FENCED', message);
  };

  const checkLinks = (run: RunNumber, links: readonly string[]): void => {
    const missing = links.find((origin) => !runNumbers.has(origin));
    if (missing === undefined) return;
    throw new StoreError('FAILED', `run ${run} links to run ${missing}, which does not exist`);
  };

  const check = (batch: CommitBatch): void => {
    checkEpoch(batch.namespace, batch.epoch);
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
      checkLinks(run.run, run.links);
      added.add(run.run);
    }
    const counts = new Map<RunNumber, number>();
    for (const { run, first, tasks, links } of batch.addedTasks) {
      checkLinks(run, links);
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

  const keepRequests = (added: readonly RequestRow[]): void => {
    for (const request of added) requests.set(request.requestId, { ...request });
  };

  const apply = (batch: CommitBatch): void => {
    const statuses = new Map(batch.runs.map((status) => [status.run, status]));
    for (const run of batch.newRuns) {
      const status = statuses.get(run.run);
      if (status === undefined) throw new Error('checked before');
      const links = run.links.flatMap((origin) => runNumbers.get(origin) ?? []);
      runs.set(run.run, createRunData(run, status, new Set(links)));
      runNumbers.set(run.runId, run.run);
    }
    for (const { run, first, addedAtMs, tasks, links } of batch.addedTasks) {
      for (const origin of links) runs.get(run)?.links.add(runNumbers.get(origin) ?? 0);
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
    keepRequests(batch.requests);
    for (const { run, sha256 } of batch.references) payloads.refer(`run ${run}`, sha256);
  };

  const runById = (runId: string): RunData | undefined => {
    const run = runNumbers.get(runId);
    return run === undefined ? undefined : runs.get(run);
  };

  const linkingRuns = (run: RunNumber): readonly RunData[] =>
    [...runs.values()].filter(({ links }) => links.has(run));

  const remove = (found: RunData): void => {
    const { run, runId } = found.row;
    for (const { revision } of found.events) events[revision - 1] = undefined;
    runs.delete(run);
    runNumbers.delete(runId);
    payloads.release(`run ${run}`);
  };

  const changeRun = ({ namespace, epoch: claimed, run, action }: RunChange): RunChangeOutcome => {
    checkEpoch(namespace, claimed);
    const found = runs.get(run);
    if (found === undefined) return 'NOT_FOUND';
    const { phase, archived, endedAtMs = 0 } = found.row;
    if (!isFinalRun(phase)) return 'NOT_FINAL';
    switch (action.type) {
      case 'ARCHIVE':
      case 'UNARCHIVE':
        found.row = { ...found.row, archived: action.type === 'ARCHIVE' };
        return 'DONE';
      case 'EXPIRE':
      case 'DELETE':
        if (archived) return 'ARCHIVED';
        if (action.type === 'EXPIRE' && endedAtMs >= action.endedBeforeMs) return 'KEPT';
        if (linkingRuns(run).length > 0) return 'LINKED';
        remove(found);
        return 'DONE';
    }
  };

  return {
    retentionMs: undefined,
    linkingRuns,
    changeRun: (change) => {
      const outcome = changeRun(change);
      if (outcome === 'DONE') keepRequests(change.requests);
      return outcome;
    },
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
    storedRun: (runId) => {
      const run = runById(runId);
      return run === undefined ? undefined : toStoredRun(run);
    },
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
    keepRequests,
    workflows: createWorkflowData(payloads),
    payloads,
    requestsOlderThan: (atMs) =>
      [...requests.values()]
        .filter((request) => request.atMs < atMs)
        .map((request) => ({ atMs: request.atMs, remove: () => requests.delete(request.requestId) })),
  };
}

function createRunData(run: NewRun, status: RunStatusRow, links: Set<RunNumber>): RunData {
  const { runId, name, submittedAtMs, traceId, workflow, parent } = run;
  return {
    row: {
      ...status,
      ...{ runId, name, labels: { ...run.labels }, submittedAtMs, traceId, workflow, parent },
      archived: false,
    },
    record: run.record.slice(),
    links,
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
    dependencies: undefined,
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

function takeEvents(
  events: readonly (EventRecord | undefined)[],
  from: number,
  query: EventQuery,
): EventRecord[] {
  const taken: EventRecord[] = [];
  let total = 0;
  for (let i = from; i < events.length && taken.length < query.limit; i += 1) {
    const event = events[i];
    if (event === undefined) continue;
    total += event.payload.length + (event.attachment?.length ?? 0);
    if (taken.length > 0 && total > query.limitBytes) break;
    taken.push(event);
  }
  return taken;
}
