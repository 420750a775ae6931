// How does a run stand right after its submission?

import { hasExpression } from './conditions.ts';
import { handlesFailure } from './edges.ts';
import type { RunEvent, RunSubmitted } from './events.ts';
import type { Dependant, Graph } from './graph.ts';
import type { AttemptStatus, RunState, TaskStatus } from './state.ts';
import type { TaskState } from './states.ts';

const NO_ATTEMPTS: readonly AttemptStatus[] = Object.freeze([]);
const NO_UPSTREAMS: ReadonlySet<number> = new Set();

export type RunSubmittedEvent = RunEvent & { readonly change: RunSubmitted };

/** Tasks without dependencies and expressions are READY with the submission itself; those of one run rank by index. */
export function startRun(event: RunSubmittedEvent): RunState {
  const { runId, graph, traceparent } = event.change;
  const tasks: TaskStatus[] = [];
  const counts = noCounts();
  for (let task = 0; task < graph.spec.tasks.length; task++) {
    const state = firstState(graph, task);
    counts[state]++;
    const status = startTask(state, event.revision, event.atMs);
    status.handlers = countHandlers(graph.dependants[task]);
    tasks.push(status);
  }
  return {
    runId,
    graph,
    traceparent,
    firstRevision: event.revision,
    submittedAtMs: event.atMs,
    phase: 'RUNNING',
    reason: 'NONE',
    message: '',
    endedAtMs: undefined,
    output: undefined,
    lastRevision: event.revision,
    failedTask: undefined,
    tasks,
    counts,
  };
}

/** The state that a task has from its submission on. */
export function firstState(graph: Graph, task: number): 'READY' | 'WAITING' {
  const spec = graph.spec.tasks[task];
  return graph.required[task] === 0 && spec !== undefined && !hasExpression(spec) ? 'READY' : 'WAITING';
}

/** A task as submitted, apart from its place in the graph: enough to fold its own events over. */
export function startTask(state: 'READY' | 'WAITING', revision: number, atMs: number): TaskStatus {
  const readyAtMs = state === 'READY' ? atMs : undefined;
  return {
    state,
    reason: 'NONE',
    metEdges: 0,
    deadEdges: 0,
    unrouted: NO_UPSTREAMS,
    handlers: 0,
    attempts: NO_ATTEMPTS,
    lostAttempts: 0,
    cancelling: undefined,
    readyRevision: state === 'READY' ? revision : 0,
    readyAtMs,
    firstReadyAtMs: readyAtMs,
    startedAtMs: undefined,
    retryAtMs: undefined,
    endedAtMs: undefined,
    checkpoint: undefined,
    computedInput: undefined,
    result: undefined,
    error: undefined,
  };
}

function countHandlers(dependants: readonly Dependant[] | undefined): number {
  let handlers = 0;
  if (dependants !== undefined) {
    for (const dependant of dependants) if (handlesFailure(dependant.condition)) handlers++;
  }
  return handlers;
}

function noCounts(): Record<TaskState, number> {
  return { WAITING: 0, READY: 0, RUNNING: 0, RETRYING: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0, SKIPPED: 0 };
}
