// For tests: a run to play through by task keys, and its events as readable lines.

import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import { compileGraph } from './compile.ts';
import type { Change, RunEvent } from './events.ts';
import type { Graph } from './graph.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, type Payload } from './payload.ts';
import type { Result } from './rejection.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  type DependencyCondition,
  NO_TIMEOUTS,
  type RetryPolicy,
  type RunSpec,
  type TaskSpec,
  type Timeouts,
} from './spec.ts';
import type { RunState, TaskStatus } from './state.ts';

/** `after: ['a', 'b?', 'c!']`: success of a, any end of b, failure of c. */
export interface TaskSketch extends Partial<Omit<TaskSpec, 'dependencies' | 'retry' | 'timeouts'>> {
  readonly after?: readonly string[];
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<Timeouts>;
}

export function task(key: string, sketch: TaskSketch = {}): TaskSpec {
  const { after = [], retry, timeouts, ...rest } = sketch;
  return {
    key,
    capability: 'test',
    input: EMPTY_PAYLOAD,
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: '',
    priority: DEFAULT_PRIORITY,
    allowFailure: false,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
    ...rest,
    dependencies: after.map(dependency),
    retry: { ...DEFAULT_RETRY, ...retry },
    timeouts: { ...NO_TIMEOUTS, ...timeouts },
  };
}

export function spec(tasks: readonly TaskSpec[], rest: Partial<RunSpec> = {}): RunSpec {
  return {
    name: 'test',
    labels: {},
    failurePolicy: 'CONTINUE',
    timeoutMs: undefined,
    input: EMPTY_PAYLOAD,
    workflow: undefined,
    ...rest,
    tasks,
  };
}

export function graphOf(runSpec: RunSpec): Graph {
  const compiled = compileGraph(runSpec);
  if (!compiled.ok) throw new Error(`not a graph: ${compiled.rejection.message}`);
  return compiled.value;
}

export function payload(text: string): Payload {
  return { bytes: new TextEncoder().encode(text), contentType: 'text/plain' };
}

export type Scenario = ReturnType<typeof play>;

/** Each step returns the events that it came to, as lines; see describe(). Time starts at 0. */
export function play(tasks: readonly TaskSpec[], rest: Partial<RunSpec> = {}) {
  const graph = graphOf(spec(tasks, rest));
  const { run, events: first } = submitRun('run-1', graph, '', 0, 1);
  const events: RunEvent[] = [...first];
  let nowMs = 0;

  function send(command: RunCommand): Result<readonly RunEvent[]> {
    const result = apply(run, command, nowMs, events.length + 1);
    if (result.ok) events.push(...result.value);
    return result;
  }
  function steps(command: RunCommand): readonly string[] {
    const result = send(command);
    if (!result.ok) throw new Error(`refused: ${result.rejection.message}`);
    return result.value.map((event) => describeChange(run, event.change));
  }
  function index(key: string): number {
    const found = graph.indexOf(key);
    if (found === undefined) throw new Error(`no task ${key}`);
    return found;
  }
  return {
    run,
    events,
    send,
    steps,
    index,
    at: (key: string): TaskStatus => taskOf(run, index(key)),
    states: (): string =>
      graph.spec.tasks.map(({ key }) => `${key} ${taskOf(run, index(key)).state}`).join(', '),
    passMs: (durationMs: number): void => {
      nowMs += durationMs;
    },
    start: (key: string) =>
      steps({
        type: 'StartAttempt',
        task: index(key),
        executorId: 'executor-1',
        leaseToken: `lease-${events.length}`,
      }),
    complete: (key: string, result: Payload = EMPTY_PAYLOAD) =>
      steps({ type: 'CompleteAttempt', task: index(key), result, usage: undefined }),
    fail: (key: string, code = 'BROKEN', how: { final?: boolean; retryAfterMs?: number } = {}) =>
      steps({
        type: 'FailAttempt',
        task: index(key),
        error: { code, message: `${code} happened`, details: undefined },
        final: how.final ?? false,
        retryAfterMs: how.retryAfterMs,
        usage: undefined,
      }),
    lose: (key: string) =>
      steps({
        type: 'LoseAttempt',
        task: index(key),
        code: 'EXECUTOR_LOST',
        message: 'the executor is gone',
      }),
    cancel: (key: string, subtree = false) => steps({ type: 'CancelTask', task: index(key), subtree }),
    cancelRun: (message = '') => steps({ type: 'CancelRun', message }),
  };
}

/** Such as `b SKIPPED UPSTREAM_FAILED by a`, `run COMPLETED`. */
export function describeChange(run: RunState, change: Change): string {
  const key = 'task' in change ? specOf(run, change.task).key : 'run';
  switch (change.type) {
    case 'RunSubmitted':
      return 'run submitted';
    case 'RunCancelling':
      return `run CANCELLING ${change.reason}`;
    case 'RunCompleted':
      return 'run COMPLETED';
    case 'RunFailed': {
      const failed = change.failedTask === undefined ? '' : ` by ${specOf(run, change.failedTask).key}`;
      return `run FAILED ${change.reason}${failed}`;
    }
    case 'RunCancelled':
      return `run CANCELLED ${change.reason}`;
    case 'TaskReady':
      return `${key} READY`;
    case 'TaskStarted':
      return `${key} RUNNING attempt ${change.attempt}`;
    case 'TaskProgressed':
      return `${key} progressed`;
    case 'TaskCancelling':
      return `${key} told to stop ${change.reason} within ${change.graceMs} ms`;
    case 'TaskRetrying':
      return `${key} RETRYING at ${change.retryAtMs} ms after ${change.end}`;
    case 'TaskCompleted':
      return `${key} COMPLETED`;
    case 'TaskFailed':
      return `${key} FAILED ${change.reason}`;
    case 'TaskCancelled':
      return `${key} CANCELLED ${change.reason}`;
    case 'TaskSkipped':
      return `${key} SKIPPED ${change.reason} by ${specOf(run, change.upstream).key}`;
  }
}

const CONDITIONS: Readonly<Record<string, DependencyCondition>> = { '?': 'FINISHED', '!': 'FAILURE' };

function dependency(text: string): { key: string; condition: DependencyCondition } {
  const condition = CONDITIONS[text.slice(-1)];
  return condition === undefined
    ? { key: text, condition: 'SUCCESS' }
    : { key: text.slice(0, -1), condition };
}
