// For tests of telemetry: a run and its events, written by hand.

import type { Change } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  NO_TIMEOUTS,
  type TaskSpec,
} from '../domain/spec.ts';
import type { AttemptStatus, RunState, TaskStatus } from '../domain/state.ts';
import type { Assignment } from '../engine/inputs.ts';
import type { CommittedEvent } from '../runtime/ports.ts';

export interface ScriptedTask {
  readonly key: string;
  readonly capability: string;
  readonly dependencies?: readonly string[];
}

export function scriptedRun(
  tasks: readonly ScriptedTask[],
  traceparent: string,
  submittedAtMs: number,
): RunState {
  return {
    runId: 'run-1',
    graph: graphOf(tasks),
    traceparent,
    firstRevision: 1,
    submittedAtMs,
    phase: 'RUNNING',
    reason: 'NONE',
    message: '',
    endedAtMs: undefined,
    lastRevision: 1,
    failedTask: undefined,
    tasks: tasks.map((task) => taskStatus(task, submittedAtMs)),
    counts: {
      WAITING: 0,
      READY: 0,
      RUNNING: 0,
      RETRYING: 0,
      COMPLETED: 0,
      FAILED: 0,
      CANCELLED: 0,
      SKIPPED: 0,
    },
  };
}

/** As evolve() leaves it after the attempt's start. */
export function startAttemptOf(run: RunState, task: number, readyAtMs: number, startedAtMs: number): void {
  const status = run.tasks[task] as TaskStatus;
  const attempt: AttemptStatus = {
    number: status.attempts.length + 1,
    executorId: 'executor-1',
    leaseToken: `lease-${status.attempts.length + 1}`,
    startedAtMs,
    state: 'RUNNING',
    endedAtMs: undefined,
    error: undefined,
    usage: undefined,
    progress: undefined,
    heardAtMs: startedAtMs,
    partialResult: undefined,
  };
  status.state = 'RUNNING';
  status.readyAtMs = readyAtMs;
  status.attempts = [...status.attempts, attempt];
}

export function committed(run: RunState, atMs: number, change: Change): CommittedEvent {
  return { run, event: { revision: 1, atMs, change }, payload: new Uint8Array(0) };
}

export function submitted(run: RunState): CommittedEvent {
  const { runId, graph, traceparent } = run;
  return committed(run, run.submittedAtMs, { type: 'RunSubmitted', runId, graph, traceparent });
}

export function started(run: RunState, task: number, attempt: number, atMs: number): CommittedEvent {
  const change = {
    type: 'TaskStarted',
    task,
    attempt,
    executorId: 'executor-1',
    leaseToken: `lease-${attempt}`,
  } as const;
  return committed(run, atMs, change);
}

export function assignmentOf(run: RunState, task: number, attempt: number): Assignment {
  const spec = run.graph.spec.tasks[task] as TaskSpec;
  return {
    leaseToken: `lease-${attempt}`,
    runId: run.runId,
    taskKey: spec.key,
    attempt,
    capability: spec.capability,
    input: EMPTY_PAYLOAD,
    dependencies: spec.dependencies.map(({ key }) => ({
      key,
      state: 'COMPLETED',
      result: EMPTY_PAYLOAD,
      error: undefined,
    })),
    timeoutMs: undefined,
    heartbeatTimeoutMs: undefined,
    checkpoint: undefined,
    lastError: undefined,
    traceparent: run.traceparent,
  };
}

function graphOf(tasks: readonly ScriptedTask[]): Graph {
  const indexes = new Map(tasks.map(({ key }, index) => [key, index]));
  return {
    spec: {
      name: 'nightly',
      labels: {},
      tasks: tasks.map(specOf),
      failurePolicy: 'CONTINUE',
      timeoutMs: undefined,
    },
    dependencies: tasks.map(({ dependencies = [] }) =>
      dependencies.map((key) => ({ upstream: indexes.get(key) as number, condition: 'SUCCESS' })),
    ),
    dependants: tasks.map(() => []),
    children: tasks.map(() => []),
    required: tasks.map(({ dependencies = [] }) => dependencies.length),
    indexOf: (key) => indexes.get(key),
  };
}

function specOf({ key, capability, dependencies = [] }: ScriptedTask): TaskSpec {
  return {
    key,
    capability,
    input: EMPTY_PAYLOAD,
    dependencies: dependencies.map((upstream) => ({ key: upstream, condition: 'SUCCESS' })),
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: '',
    priority: DEFAULT_PRIORITY,
    retry: DEFAULT_RETRY,
    timeouts: NO_TIMEOUTS,
    allowFailure: false,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
  };
}

function taskStatus({ dependencies = [] }: ScriptedTask, atMs: number): TaskStatus {
  const ready = dependencies.length === 0;
  return {
    state: ready ? 'READY' : 'WAITING',
    reason: 'NONE',
    metEdges: 0,
    deadEdges: 0,
    attempts: [],
    lostAttempts: 0,
    handlers: 0,
    cancelling: undefined,
    readyRevision: 1,
    readyAtMs: ready ? atMs : undefined,
    firstReadyAtMs: ready ? atMs : undefined,
    startedAtMs: undefined,
    retryAtMs: undefined,
    endedAtMs: undefined,
    checkpoint: undefined,
    result: undefined,
    error: undefined,
  };
}
