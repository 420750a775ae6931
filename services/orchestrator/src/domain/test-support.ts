// For tests: a run to play through by task keys, and its events as readable lines.

import { performsItself, startsRun } from './admission.ts';
import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import { compileGraph } from './compile.ts';
import type { Change, RerunScope, RunEvent } from './events.ts';
import type { Graph } from './graph.ts';
import { specOf, taskOf } from './lookup.ts';
import { readyInOrder } from './pause.ts';
import { EMPTY_PAYLOAD, type Payload } from './payload.ts';
import { plainTask } from './plain-task.ts';
import type { Result } from './rejection.ts';
import type { SchemaChecker } from './schema.ts';
import {
  DEFAULT_RETRY,
  type Dependency,
  type DependencyCondition,
  NO_TIMEOUTS,
  PLAIN_EDGE,
  PLAIN_RUN,
  type RetryPolicy,
  type RunSpec,
  type TaskSpec,
  type Timeouts,
} from './spec.ts';
import type { RunState, TaskStatus } from './state.ts';
import { createToyCompiler } from './toy-expressions.ts';

/** `after: ['a', 'b?', 'c!']`: success of a, any end of b, failure of c. */
export interface TaskSketch extends Partial<Omit<TaskSpec, 'dependencies' | 'retry' | 'timeouts'>> {
  readonly after?: readonly (string | EdgeSketch)[];
  readonly retry?: Partial<RetryPolicy>;
  readonly timeouts?: Partial<Timeouts>;
}

/** `['a?', { when: 'state == "FAILED"' }]`: an edge that says more than its condition. */
export type EdgeSketch = readonly [key: string, more: Partial<Omit<Dependency, 'key' | 'condition'>>];

export function task(key: string, sketch: TaskSketch = {}): TaskSpec {
  const { after = [], retry, timeouts, ...rest } = sketch;
  return plainTask(key, 'test', {
    ...rest,
    dependencies: after.map((edge) =>
      typeof edge === 'string' ? dependency(edge) : { ...dependency(edge[0]), ...edge[1] },
    ),
    retry: { ...DEFAULT_RETRY, ...retry },
    timeouts: { ...NO_TIMEOUTS, ...timeouts },
  });
}

export function spec(tasks: readonly TaskSpec[], rest: Partial<RunSpec> = {}): RunSpec {
  return {
    name: 'test',
    labels: {},
    failurePolicy: 'CONTINUE',
    timeoutMs: undefined,
    ...PLAIN_RUN,
    ...rest,
    tasks,
  };
}

/** A schema is the JavaScript type that it asks for, such as `number`; `none` is no schema. */
const TOY_SCHEMAS: SchemaChecker = {
  problemOf: (schema) => (schema === 'none' ? 'it is none' : undefined),
  violationOf: (name, schema, value) => (typeof value === schema ? undefined : `${name} must be ${schema}`),
};

export function graphOf(runSpec: RunSpec): Graph {
  const compiled = compileGraph(runSpec, createToyCompiler(), TOY_SCHEMAS);
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
  const events: RunEvent[] = [...first, ...takeTurns(run, 0, first.length + 1)];
  let nowMs = 0;

  function send(command: RunCommand): Result<readonly RunEvent[]> {
    const result = apply(run, command, nowMs, events.length + 1);
    if (!result.ok) return result;
    const all = [...result.value];
    all.push(...takeTurns(run, nowMs, events.length + all.length + 1));
    events.push(...all);
    return { ok: true, value: all };
  }
  function steps(command: RunCommand): readonly string[] {
    const result = send(command);
    if (!result.ok) throw new Error(`refused: ${result.rejection.message}`);
    return result.value.map((event) => describeChange(run, event.change));
  }
  function index(key: string): number {
    const found = run.graph.indexOf(key);
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
      run.graph.spec.tasks.map(({ key }) => `${key} ${taskOf(run, index(key)).state}`).join(', '),
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
    add: (...tasks: readonly TaskSpec[]) => steps({ type: 'AddTasks', tasks }),
    /** `add` as `after` of task(). */
    depend: (key: string, add: TaskSketch['after'], remove: readonly string[] = []) =>
      steps({
        type: 'ChangeDependencies',
        task: index(key),
        add: task('', { after: add ?? [] }).dependencies,
        remove,
      }),
    pause: (message = '') => steps({ type: 'PauseRun', message }),
    resume: () => steps({ type: 'ResumeRun' }),
    rerun: (scope: RerunScope, from?: string) =>
      steps({ type: 'RerunRun', scope, from: from === undefined ? undefined : index(from) }),
  };
}

/** Begins what the orchestrator does itself, as the engine does between two steps; child runs are up to the test. */
export function takeTurns(run: RunState, nowMs: number, nextRevision: number): readonly RunEvent[] {
  const events: RunEvent[] = [];
  const mayBegin = (task: number) => performsItself(specOf(run, task)) && !startsRun(specOf(run, task));
  while (!run.paused) {
    const ready = readyInOrder(run).filter(mayBegin);
    if (ready.length === 0) break;
    for (const task of ready) {
      const began = apply(
        run,
        { type: 'StartOwnWork', task, child: false },
        nowMs,
        nextRevision + events.length,
      );
      if (began.ok) events.push(...began.value);
    }
  }
  return events;
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
      return `${key} SKIPPED ${change.reason}${by(run, change.upstream)}`;
    case 'TaskRouted':
      return `${key} ${change.met ? 'routed' : 'not routed'}${by(run, change.upstream)}`;
    default:
      return describeConstruct(run, key, change);
  }
}

function describeConstruct(run: RunState, key: string, change: Construct): string {
  switch (change.type) {
    case 'RunPaused':
    case 'RunResumed':
      return change.type === 'RunPaused' ? 'run paused' : 'run resumed';
    case 'RunSignalled':
      return `run signalled ${change.name}`;
    case 'RunRestarted':
      return `run RUNNING again, ${change.scope}${change.from === undefined ? '' : ` ${specOf(run, change.from).key}`}`;
    case 'RunCompensating':
      return `run COMPENSATING to be ${change.verdict.outcome} ${change.verdict.reason}`;
    case 'TasksAdded': {
      const owner = change.owner === undefined ? '' : ` for ${specOf(run, change.owner).key}`;
      return `added ${change.specs.map((each) => each.key).join(', ')}${owner}`;
    }
    case 'TaskHeld':
      return `${key} held ${change.reason}${change.untilMs === undefined ? '' : ` until ${change.untilMs} ms`}`;
    case 'TaskSentBack':
      return `${key} sent back to ${specOf(run, change.to).key}, ${change.iteration}`;
    case 'TaskReset':
      return `${key} WAITING again ${change.reason}`;
    case 'TaskRepeating':
      return change.repeatAtMs === undefined
        ? `${key} waits for iteration ${change.iteration}`
        : `${key} RETRYING at ${change.repeatAtMs} ms for iteration ${change.iteration}`;
    case 'TaskExpanded':
      return `${key} expanded to ${change.itemCount}`;
    case 'TaskSignalled':
      return `${key} took the signal ${change.name}`;
    case 'TaskValidating':
      return `${key} validating ${change.guardrail}`;
    case 'TaskDependenciesChanged':
      return `${key} depends on ${change.dependencies.map((each) => each.key).join(', ')}`;
  }
}

type Construct = Extract<
  Change,
  {
    type:
      | 'RunPaused'
      | 'RunResumed'
      | 'RunSignalled'
      | 'RunRestarted'
      | 'RunCompensating'
      | 'TasksAdded'
      | 'TaskHeld'
      | 'TaskSentBack'
      | 'TaskReset'
      | 'TaskRepeating'
      | 'TaskExpanded'
      | 'TaskSignalled'
      | 'TaskValidating'
      | 'TaskDependenciesChanged';
  }
>;

function by(run: RunState, upstream: number | undefined): string {
  return upstream === undefined ? '' : ` by ${specOf(run, upstream).key}`;
}

const CONDITIONS: Readonly<Record<string, DependencyCondition>> = { '?': 'FINISHED', '!': 'FAILURE' };

function dependency(text: string): Dependency {
  const condition = CONDITIONS[text.slice(-1)];
  return condition === undefined
    ? { key: text, condition: 'SUCCESS', ...PLAIN_EDGE }
    : { key: text.slice(0, -1), condition, ...PLAIN_EDGE };
}
