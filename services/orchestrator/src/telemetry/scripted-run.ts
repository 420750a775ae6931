// For tests of telemetry: a run, and what happens to it.

import { compileGraph } from '../domain/compile.ts';
import type { Change, RunEvent } from '../domain/events.ts';
import { evolve } from '../domain/evolve.ts';
import type { ExpressionCompiler } from '../domain/expression.ts';
import { startRun } from '../domain/initial.ts';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import { plainTask } from '../domain/plain-task.ts';
import { PLAIN_EDGE, PLAIN_RUN, type TaskSpec } from '../domain/spec.ts';
import type { RunState } from '../domain/state.ts';
import type { Assignment } from '../engine/inputs.ts';
import type { CommittedEvent } from '../runtime/ports.ts';

/** Scripted runs have none. */
const NO_EXPRESSIONS: ExpressionCompiler = {
  compile: (text) => ({ ok: false, cause: `nobody compiles ${text}` }),
};

export interface ScriptedTask {
  readonly key: string;
  readonly capability: string;
  readonly dependencies?: readonly string[];
}

/** The run `run-1`, named `nightly`, right after its submission. */
export function scriptedRun(
  tasks: readonly ScriptedTask[],
  traceparent: string,
  submittedAtMs: number,
): { run: RunState; submitted: CommittedEvent } {
  const compiled = compileGraph(
    {
      name: 'nightly',
      labels: {},
      tasks: tasks.map(specOf),
      failurePolicy: 'CONTINUE',
      timeoutMs: undefined,
      ...PLAIN_RUN,
    },
    NO_EXPRESSIONS,
  );
  if (!compiled.ok) throw new Error(compiled.rejection.message);
  const change = { type: 'RunSubmitted', runId: 'run-1', graph: compiled.value, traceparent } as const;
  const event = { revision: 1, atMs: submittedAtMs, change };
  const run = startRun(event);
  return { run, submitted: { run, event, payload: new Uint8Array(0) } };
}

/** Makes it so, and tells it as a committed event. */
export function happens(run: RunState, atMs: number, change: Change): CommittedEvent {
  const event: RunEvent = { revision: run.lastRevision + 1, atMs, change };
  evolve(run, event);
  return { run, event, payload: new Uint8Array(0) };
}

export function starts(run: RunState, task: number, attempt: number, atMs: number): CommittedEvent {
  const leaseToken = `lease-${attempt}`;
  return happens(run, atMs, { type: 'TaskStarted', task, attempt, executorId: 'executor-1', leaseToken });
}

export function completes(run: RunState, task: number, attempt: number, atMs: number): CommittedEvent {
  const change = { type: 'TaskCompleted', task, attempt, result: EMPTY_PAYLOAD, usage: undefined } as const;
  return happens(run, atMs, change);
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
      alias: '',
      state: 'COMPLETED',
      result: EMPTY_PAYLOAD,
      error: undefined,
    })),
    timeoutMs: undefined,
    heartbeatTimeoutMs: undefined,
    checkpoint: undefined,
    feedback: undefined,
    iteration: 0,
    lastError: undefined,
    traceparent: run.traceparent,
  };
}

function specOf({ key, capability, dependencies = [] }: ScriptedTask): TaskSpec {
  return plainTask(key, capability, {
    dependencies: dependencies.map((upstream) => ({ key: upstream, condition: 'SUCCESS', ...PLAIN_EDGE })),
  });
}
