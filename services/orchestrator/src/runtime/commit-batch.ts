// From what an engine has to say to what the store is to write. Read synchronously, right after the
// flush: the states go on changing afterwards.

import type { RunEvent, RunSubmitted, TasksAdded } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { firstAdded } from '../domain/growth.ts';
import { firstState } from '../domain/initial.ts';
import { linksOf, linksOfTasks } from '../domain/links.ts';
import type { RunState } from '../domain/state.ts';
import type { EngineOutput } from '../engine/outputs.ts';
import type {
  AddedTasks,
  CommitBatch,
  EventRecord,
  NewRun,
  NewTask,
  PayloadReference,
  RequestRow,
  RunStatusRow,
  TaskStatusRow,
} from '../store/port.ts';
import { encodeAttachment, encodeEvent } from '../wire/events.ts';
import { encodeDependencies, encodeRunRecord, encodeTaskSpec } from '../wire/stored-spec.ts';
import { traceIdOf } from '../wire/trace.ts';
import { visitReferences } from './payload-references.ts';
import type { CommittedEvent } from './ports.ts';
import { statusRowOf } from './run-rows.ts';

export interface PreparedCommit {
  /** The epoch is the committer's to add. */
  readonly batch: Omit<CommitBatch, 'epoch'>;
  /** For publication once the batch is durable. */
  readonly committed: readonly CommittedEvent[];
  readonly payloadBytes: number;
}

export function prepareCommit(namespace: string, output: EngineOutput, nowMs: number): PreparedCommit {
  const events: EventRecord[] = [];
  const committed: CommittedEvent[] = [];
  const newRuns: NewRun[] = [];
  const addedTasks: AddedTasks[] = [];
  const touched = new Map<RunState, Set<number>>();
  const references: PayloadReference[] = [];
  let payloadBytes = 0;
  for (const { run, event } of output.events) {
    const payload = encodeEvent(run, event);
    payloadBytes += payload.length;
    const task = 'task' in event.change ? event.change.task : -1;
    events.push({
      revision: event.revision,
      run: run.firstRevision,
      task,
      payload,
      attachment: encodeAttachment(event),
    });
    committed.push({ run, event, payload });
    if (event.change.type === 'RunSubmitted') newRuns.push(newRun(run, event, event.change));
    if (event.change.type === 'TasksAdded') addedTasks.push(added(run, event.change, event.atMs));
    visitReferences(event.change, ({ sha256 }) => references.push({ run: run.firstRevision, sha256 }));
    touch(touched, run, task);
  }
  const batch = {
    namespace,
    events,
    newRuns,
    addedTasks,
    runs: runRows(touched),
    tasks: taskRows(touched),
    requests: requestRows(output, nowMs),
    references,
  };
  return { batch, committed, payloadBytes };
}

function touch(touched: Map<RunState, Set<number>>, run: RunState, task: number): void {
  let tasks = touched.get(run);
  if (tasks === undefined) {
    tasks = new Set();
    touched.set(run, tasks);
  }
  if (task >= 0) tasks.add(task);
}

function newRun(run: RunState, event: RunEvent, { graph, parent }: RunSubmitted): NewRun {
  const { spec } = graph; // As submitted: the run's own may have grown since.
  const taskCount = spec.tasks.length;
  return {
    run: run.firstRevision,
    runId: run.runId,
    name: spec.name,
    labels: spec.labels,
    submittedAtMs: event.atMs,
    traceId: traceIdOf(run.traceparent),
    workflow: spec.workflow,
    parent,
    links: linksOf(spec),
    record: encodeRunRecord({
      spec,
      submittedAtMs: event.atMs,
      traceparent: run.traceparent,
      parent,
      taskCount,
    }),
    tasks: newTasks(graph, 0, taskCount),
  };
}

function added(run: RunState, change: TasksAdded, addedAtMs: number): AddedTasks {
  const first = firstAdded(run.graph, change);
  const tasks = newTasks(run.graph, first, change.specs.length);
  const links = linksOfTasks(change.specs);
  return { run: run.firstRevision, first, addedAtMs, tasks, links };
}

function newTasks(graph: Graph, first: number, count: number): readonly NewTask[] {
  return graph.spec.tasks.slice(first, first + count).map((task, offset) => ({
    key: task.key,
    spec: encodeTaskSpec(task),
    state: firstState(graph, first + offset),
  }));
}

function runRows(touched: ReadonlyMap<RunState, unknown>): readonly RunStatusRow[] {
  return Array.from(touched.keys(), statusRowOf);
}

function taskRows(touched: ReadonlyMap<RunState, ReadonlySet<number>>): readonly TaskStatusRow[] {
  const rows: TaskStatusRow[] = [];
  for (const [run, tasks] of touched) {
    for (const task of tasks) {
      const status = run.tasks[task];
      if (status === undefined) continue;
      rows.push({
        run: run.firstRevision,
        task,
        state: status.state,
        reason: status.reason,
        attemptCount: status.attempts.length,
        firstReadyAtMs: status.firstReadyAtMs,
        startedAtMs: status.startedAtMs,
        endedAtMs: status.endedAtMs,
        dependencies: dependenciesOf(run, task),
      });
    }
  }
  return rows;
}

function dependenciesOf(run: RunState, task: number): Uint8Array | undefined {
  if (run.tasks[task]?.more?.rewired !== true) return undefined;
  return encodeDependencies(run.graph.spec.tasks[task]?.dependencies ?? []);
}

function requestRows(output: EngineOutput, nowMs: number): readonly RequestRow[] {
  return output.requests.map(({ key, reply }) => ({
    requestId: key.requestId,
    fingerprint: key.fingerprint,
    atMs: nowMs,
    answer: JSON.stringify(reply),
  }));
}
