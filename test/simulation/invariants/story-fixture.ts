// Stories of a cluster, made by hand: what is seen of it, without a cluster. Whatever a story does not say is as
// it should be; a story that breaks a promise says so at one place.

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { EventAttachmentSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { RunParent, RunSpec, TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import type { EngineCalls, EngineCallType } from '../../../services/orchestrator/src/engine/inputs.ts';
import {
  createMemoryPlace,
  openMemoryStore,
} from '../../../services/orchestrator/src/store/memory/memory-store.ts';
import { createNamespaceData } from '../../../services/orchestrator/src/store/memory/namespace-data.ts';
import type {
  AddedTasks,
  CommitBatch,
  EventRecord,
  NewRun,
  Store,
} from '../../../services/orchestrator/src/store/port.ts';
import { encodeRunRecord, encodeTaskSpec } from '../../../services/orchestrator/src/wire/stored-spec.ts';
import { timestampFromMs } from '../../../services/orchestrator/src/wire/time.ts';
import { plainRun } from '../scenario/tasks.ts';
import { BEGINNING_MS } from '../world/time.ts';
import { factOf } from './fact.ts';
import { createLedger, type RunModel, type TaskModel } from './ledger.ts';
import type { Observation } from './observation.ts';
import { takeNewRun, takeRunEvent } from './take-run.ts';
import { takeTaskEvent } from './take-task.ts';
import { createWitness } from './witness.ts';

export const NAMESPACE = 'default';

export interface StoryEvent {
  readonly run: string;
  readonly task?: string;
  readonly change: NonNullable<MessageInitShape<typeof EventSchema>['change']>;
  readonly token?: string;
  /** With runSubmitted and tasksAdded. */
  readonly tasks?: readonly TaskSpec[];
  readonly spec?: Partial<RunSpec>;
  readonly parent?: RunParent;
  /** Where it is not the present one. */
  readonly timeMs?: number;
  readonly revision?: number;
}

export interface CommitOptions {
  readonly process?: number;
  readonly requests?: CommitBatch['requests'];
  /** What the orchestrator does wrong. */
  readonly spoil?: (batch: CommitBatch) => CommitBatch;
  /** False: the disk does not keep it. */
  readonly kept?: boolean;
}

export type Story = ReturnType<typeof createStory>;

/** What an observation says beside its time. */
type Untimed<T> = T extends unknown ? Omit<T, 'atMs'> : never;

export function createStory() {
  const witness = createWitness();
  /** What rows should say. */
  const ledger = createLedger();
  const namespace = ledger.of(NAMESPACE);
  const place = createMemoryPlace();
  const store = openMemoryStore(place);
  let nowMs = BEGINNING_MS;
  let calls = 0;
  let isForgetful = false;

  const see = (observation: Untimed<Observation>): void =>
    witness.see({ atMs: nowMs, ...observation } as Observation);

  function commit(events: readonly StoryEvent[], options: CommitOptions = {}): CommitBatch {
    const { process = 1, requests = [], spoil = (batch) => batch, kept = true } = options;
    const first = namespace.events.length + 1;
    const drafts = events.map((event, index) => draft(event, event.revision ?? first + index));
    const batch: CommitBatch = {
      namespace: NAMESPACE,
      epoch: process,
      events: drafts.map(({ record }) => record),
      newRuns: drafts.flatMap(({ newRun }) => newRun ?? []),
      addedTasks: drafts.flatMap(({ added }) => added ?? []),
      runs: [],
      tasks: [],
      requests,
      references: [],
    };
    const touched = take(batch, process);
    const whole = spoil({ ...batch, ...rowsOf(touched) });
    if (kept) place.namespaces.get(NAMESPACE)?.commit({ ...whole, epoch: 1 });
    see({ type: 'Durable', process, batch: whole });
    return whole;
  }

  function draft(event: StoryEvent, revision: number) {
    const { run: runId, task = '', change, token, tasks = [], spec = {}, timeMs = nowMs } = event;
    const isNew = change.case === 'runSubmitted';
    const run = isNew ? revision : (namespace.runIds.get(runId)?.number ?? newNumber(runId));
    const time = timestampFromMs(timeMs);
    const message = create(EventSchema, { revision: BigInt(revision), time, runId, taskKey: task, change });
    const record: EventRecord = {
      revision,
      run,
      task: task === '' ? -1 : indexOf(runId, task),
      payload: toBinary(EventSchema, message),
      attachment:
        token === undefined
          ? undefined
          : toBinary(EventAttachmentSchema, create(EventAttachmentSchema, { leaseToken: token })),
    };
    if (isNew) {
      const whole = plainRun(tasks, spec);
      fresh.set(runId, { number: revision, keys: tasks.map(({ key }) => key) });
      return { record, newRun: newRunOf(runId, revision, whole, timeMs, event.parent) };
    }
    if (change.case !== 'tasksAdded') return { record };
    const found = fresh.get(runId);
    const added = addedOf(run, found?.keys.length ?? 0, tasks, timeMs);
    found?.keys.push(...tasks.map(({ key }) => key));
    return { record, added };
  }

  /** Runs of commits that are only being made. */
  const fresh = new Map<string, { readonly number: number; readonly keys: string[] }>();
  const newNumber = (runId: string) => fresh.get(runId)?.number ?? 0;
  const indexOf = (runId: string, key: string) => fresh.get(runId)?.keys.indexOf(key) ?? -1;

  function take(batch: CommitBatch, process: number): ReadonlyMap<RunModel, ReadonlySet<TaskModel>> {
    const touched = new Map<RunModel, Set<TaskModel>>();
    for (const record of batch.events) {
      const fact = factOf(batch, record, process, nowMs);
      const isNew = fact.change.case === 'runSubmitted';
      const run = isNew ? takeNewRun(namespace, fact) : namespace.runs.get(record.run);
      const task = run?.byKey.get(fact.taskKey);
      namespace.events.push({ run: record.run, payload: record.payload, type: fact.change.case });
      if (run === undefined) continue;
      if (!isNew && task === undefined) takeRunEvent(run, fact);
      if (task !== undefined) takeTaskEvent(namespace, run, task, fact);
      run.lastRevision = record.revision;
      const tasks = touched.get(run) ?? new Set();
      touched.set(run, tasks);
      if (task !== undefined) tasks.add(task);
    }
    return touched;
  }

  /** Asks and is answered, nothing being written meanwhile but what `between` says. */
  function call<K extends EngineCallType>(
    name: K,
    input: EngineCalls[K]['input'],
    reply: EngineCalls[K]['reply'],
    between: () => void = () => {},
    process = 1,
  ): void {
    calls += 1;
    const about = { process, namespace: NAMESPACE, call: calls, name, input };
    see({ type: 'Asked', ...about } as Untimed<Observation>);
    between();
    see({ type: 'Replied', ...about, reply } as Untimed<Observation>);
  }

  const data = createNamespaceData();
  data.claim();
  place.namespaces.set(NAMESPACE, data);
  see({ type: 'ProcessStarted', process: 1, skewMs: 0 });
  see({ type: 'ProcessServes', process: 1 });
  return {
    see,
    commit,
    call,
    nowMs: () => nowMs,
    nextRevision: () => namespace.events.length + 1,
    pass(ms: number) {
      nowMs += ms;
    },
    payload: (revision: number) => namespace.events[revision - 1]?.payload ?? new Uint8Array(),
    /** Rows of the store say something else from here on. */
    damage() {
      for (const run of data.runs()) run.row = { ...run.row, phase: 'CANCELLED' };
    },
    /** The store has lost what the latest event said. */
    forgetEvents() {
      isForgetful = true;
    },
    rest: () => witness.atRest(isForgetful ? forgetful(store) : store, nowMs),
  };
}

function newRunOf(
  runId: string,
  run: number,
  spec: RunSpec,
  atMs: number,
  parent: RunParent | undefined,
): NewRun {
  const { name, labels, workflow } = spec;
  const taskCount = spec.tasks.length;
  const record = encodeRunRecord({
    spec,
    submittedAtMs: atMs,
    traceparent: '',
    parent,
    taskCount,
  });
  const tasks = newTasks(spec.tasks, spec.maxParallel > 0);
  const rest = { submittedAtMs: atMs, traceId: '', workflow, parent, links: [], record, tasks };
  return { run, runId, name, labels, ...rest };
}

function addedOf(run: number, first: number, tasks: readonly TaskSpec[], addedAtMs: number): AddedTasks {
  return { run, first, addedAtMs, tasks: newTasks(tasks), links: [] };
}

function newTasks(tasks: readonly TaskSpec[], waits = false): NewRun['tasks'] {
  return tasks.map((spec) => {
    const free =
      !waits && spec.dependencies.length === 0 && spec.work.type === 'CAPABILITY' && !spec.flow.foreach;
    return { key: spec.key, spec: encodeTaskSpec(spec), state: free ? 'READY' : 'WAITING' };
  });
}

const NO_COUNTS = {
  WAITING: 0,
  READY: 0,
  RUNNING: 0,
  RETRYING: 0,
  COMPLETED: 0,
  FAILED: 0,
  CANCELLED: 0,
  SKIPPED: 0,
};

function rowsOf(touched: ReadonlyMap<RunModel, ReadonlySet<TaskModel>>): Pick<CommitBatch, 'runs' | 'tasks'> {
  const runs = [...touched.keys()].map((run) => {
    const counts = { ...NO_COUNTS };
    for (const { state } of run.tasks) counts[state] += 1;
    const { number, phase, paused, endedAtMs, lastRevision } = run;
    const told = { reason: 'NONE', message: '', failedTask: '' } as const;
    return { run: number, phase, paused, endedAtMs, lastRevision, counts, ...told };
  });
  const tasks = [...touched].flatMap(([run, ofRun]) =>
    [...ofRun].map((task) => ({
      run: run.number,
      task: task.index,
      state: task.state,
      reason: 'NONE' as const,
      attemptCount: task.attempts,
      firstReadyAtMs: task.firstReadyAtMs,
      startedAtMs: task.firstStartedAtMs,
      endedAtMs: task.endedAtMs,
      dependencies: undefined,
    })),
  );
  return { runs, tasks };
}

function forgetful(store: Store): Store {
  return { ...store, readEvents: async (name, query) => (await store.readEvents(name, query)).slice(0, -1) };
}
