// How does a run stand right after its submission?

import { needsAdmission } from './admission.ts';
import { handlesFailure } from './edges.ts';
import type { RunEvent, RunSubmitted } from './events.ts';
import type { Dependant, Graph } from './graph.ts';
import type { Payload } from './payload.ts';
import type { AttemptStatus, RunState, TaskStatus } from './state.ts';
import type { TaskState } from './states.ts';
import { createWaitingLine } from './waiting-line.ts';

const NO_ATTEMPTS: readonly AttemptStatus[] = Object.freeze([]);
const NO_TASKS: ReadonlySet<number> = new Set();
const NO_WAITS: ReadonlyMap<string, Set<number>> = new Map();
const NO_SIGNALS: ReadonlyMap<string, Payload[]> = new Map();
const NO_OWNERS: ReadonlyMap<number, number> = new Map();
const NOTHING_JUDGED: ReadonlyMap<number, boolean> = new Map();

export type RunSubmittedEvent = RunEvent & { readonly change: RunSubmitted };

/** Tasks without dependencies and expressions are READY with the submission itself; those of one run rank by index. */
export function startRun(event: RunSubmittedEvent): RunState {
  const { runId, graph, traceparent, parent } = event.change;
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
    restartedAtMs: undefined,
    restartedAfter: 0,
    phase: 'RUNNING',
    reason: 'NONE',
    message: '',
    endedAtMs: undefined,
    output: undefined,
    lastRevision: event.revision,
    parent,
    paused: false,
    unhandled: NO_TASKS,
    failedTask: undefined,
    news: false,
    verdict: undefined,
    signals: NO_SIGNALS,
    waits: NO_WAITS,
    held: NO_TASKS,
    underWay: 0,
    line: graph.spec.maxParallel > 0 ? createWaitingLine() : undefined,
    owners: NO_OWNERS,
    tasks,
    counts,
  };
}

/** The state that a task has from its submission on. */
export function firstState(graph: Graph, task: number): 'READY' | 'WAITING' {
  const spec = graph.spec.tasks[task];
  const free = spec !== undefined && graph.required[task] === 0 && !needsAdmission(graph.spec, spec);
  return free ? 'READY' : 'WAITING';
}

/** A task as submitted, apart from its place in the graph: enough to fold its own events over. */
export function startTask(state: 'READY' | 'WAITING', revision: number, atMs: number): TaskStatus {
  const readyAtMs = state === 'READY' ? atMs : undefined;
  return {
    state,
    reason: 'NONE',
    metEdges: 0,
    deadEdges: 0,
    judged: NOTHING_JUDGED,
    unrouted: NO_TASKS,
    handlesNothing: false,
    handlers: 0,
    attempts: NO_ATTEMPTS,
    pastAttempts: 0,
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
    endedRevision: 0,
    more: undefined,
  };
}

/** Takes further tasks into the run: READY if they need nothing, else WAITING. */
export function startAdded(run: RunState, first: number, revision: number, atMs: number): void {
  for (let task = first; task < run.graph.spec.tasks.length; task++) {
    const state = firstState(run.graph, task);
    run.counts[state]++;
    const status = startTask(state, revision, atMs);
    status.handlers = countHandlers(run.graph.dependants[task]);
    run.tasks.push(status);
  }
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
