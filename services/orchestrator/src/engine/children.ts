// Runs that tasks of other runs have started (C.7).
//
//  R1  A child run begins in the step, and so in the commit, in which its parent's attempt starts.
//  R2  A child's end and what it means to its parent are of one step; so are the end of an attempt by other
//      means and the cancellation of its child. After a restart nothing is left to be made up for.

import { submitRun } from '../domain/apply.ts';
import { childGraph, childRunIdOf, outcomeOfChild } from '../domain/child-runs.ts';
import type { TaskError } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { specOf } from '../domain/lookup.ts';
import type { RunState } from '../domain/state.ts';
import type { ActiveRun } from './active-run.ts';
import type { Core } from './core.ts';

/** What is still to be done for the events of the present step. */
export type Aftermath =
  | { readonly type: 'ChildEnded'; readonly child: RunState }
  | { readonly type: 'AttemptEnded'; readonly childRunId: string };

/** The task has its turn (own-work.ts). */
export function startChild(core: Core, run: ActiveRun, task: number): void {
  const graph = childGraph(run.state, task);
  const error = graph.ok ? refuseBeyondLimit(core, graph.value) : asError('INPUT_REFUSED', graph);
  core.apply(run, { type: 'StartOwnWork', task, child: error === undefined });
  if (error !== undefined || !graph.ok) {
    if (error !== undefined) fail(core, run, task, error);
    return;
  }
  const attempt = run.state.tasks[task]?.attempts.length ?? 0;
  const { runId, traceparent } = run.state;
  const parent = { runId, taskKey: specOf(run.state, task).key, attempt };
  const id = childRunIdOf(run.state, task, attempt);
  const child = submitRun(id, graph.value, traceparent, core.nowMs, core.revision + 1, parent);
  core.admit(child.run, child.events);
}

function fail(core: Core, run: ActiveRun, task: number, error: TaskError): void {
  const final = error.code === 'INPUT_REFUSED'; // Every attempt has the same input.
  core.apply(run, { type: 'FailAttempt', task, error, final, retryAfterMs: undefined, usage: undefined });
}

function refuseBeyondLimit(core: Core, graph: Graph): TaskError | undefined {
  const count = graph.spec.tasks.length;
  const limit = core.options.maxActiveTasks;
  if (core.activeTasks + count <= limit) return undefined;
  const message = `the namespace holds ${core.activeTasks} tasks of ${limit} allowed, too many for a child run of ${count} more; let the task be tried again`;
  return { code: 'LIMIT_REACHED', message, details: undefined };
}

function asError(code: string, refused: { readonly rejection: { readonly message: string } }): TaskError {
  return { code, message: refused.rejection.message, details: undefined };
}

/** Does what has to be done; each may bring more, up to the outermost parent. */
export function settleAftermath(core: Core, aftermath: Aftermath[]): void {
  for (let next = aftermath.shift(); next !== undefined; next = aftermath.shift()) {
    switch (next.type) {
      case 'ChildEnded':
        tellParent(core, next.child);
        break;
      case 'AttemptEnded':
        cancelChild(core, next.childRunId);
        break;
    }
  }
}

/** Unless the attempt has ended by other means. */
function tellParent(core: Core, child: RunState): void {
  const parent = core.runs.get(child.parent?.runId ?? '');
  const task = parent?.state.graph.indexOf(child.parent?.taskKey ?? '');
  if (parent === undefined || task === undefined) return;
  const status = parent.state.tasks[task];
  const attempt = status?.attempts.at(-1);
  if (attempt?.state !== 'RUNNING' || attempt.childRunId !== child.runId) return;
  if (status?.more?.validating !== undefined) return; // A child that was done again, by hand.
  core.apply(parent, outcomeOfChild(child, task));
}

function cancelChild(core: Core, childRunId: string): void {
  const child = core.runs.get(childRunId);
  if (child === undefined) return;
  core.apply(child, { type: 'CancelRun', message: 'the attempt that it was started for has ended' });
}
