// What an executor is told of an attempt: its input and the results of its dependencies (B.1), as
// they stand when the attempt starts.

import type { Feedback } from '../domain/events.ts';
import { feedbackOf } from '../domain/feedback.ts';
import { capabilityOf, edgesSeenBy, foreachAround, specOf } from '../domain/lookup.ts';
import type { Payload } from '../domain/payload.ts';
import { selectFrom } from '../domain/selection.ts';
import { SELECT_ALL, type Selection } from '../domain/spec.ts';
import type { RunState } from '../domain/state.ts';
import { isFinalTask } from '../domain/states.ts';
import { iterationOf } from '../domain/variables.ts';
import type { Assignment, DependencyResult } from './inputs.ts';

/** Room for what an assignment holds besides payloads and keys: ids, tokens, tags, times. */
const ASSIGNMENT_OVERHEAD_BYTES = 1_024;
const DEPENDENCY_OVERHEAD_BYTES = 32;

/** The assignment of the attempt that runs now. */
export function assignmentOf(run: RunState, task: number): Assignment {
  const spec = run.graph.spec.tasks[task];
  const status = run.tasks[task];
  const attempt = status?.attempts.at(-1);
  if (spec === undefined || status === undefined || attempt === undefined) {
    throw new Error(`task ${task} of run ${run.runId} has no attempt`);
  }
  return {
    leaseToken: attempt.leaseToken,
    runId: run.runId,
    taskKey: spec.key,
    attempt: attempt.number,
    capability: capabilityOf(run, task),
    input: status.computedInput ?? spec.input,
    dependencies: dependencyResults(run, task),
    timeoutMs: spec.timeouts.attemptMs,
    heartbeatTimeoutMs: spec.timeouts.heartbeatMs,
    checkpoint: status.checkpoint,
    lastError: status.attempts.at(-2)?.error,
    traceparent: run.traceparent,
    feedback: feedbackOf(run, task),
    iteration: loops(run, task) ? iterationOf(run, task) : 0,
  };
}

/** Whether it makes sense to tell which iteration this is. */
function loops(run: RunState, task: number): boolean {
  const begun = foreachAround(run, task) ?? task;
  const { repeat, sendBack } = specOf(run, begun).flow;
  if (repeat !== undefined || sendBack.length > 0) return true;
  return (run.tasks[begun]?.more?.resets ?? 0) > 0;
}

const NO_DEPENDENCIES: readonly DependencyResult[] = Object.freeze([]);

/** Only of those that are final: with a join that is not ALL, others may still be open. */
function dependencyResults(run: RunState, task: number): readonly DependencyResult[] {
  const edges = edgesSeenBy(run, task);
  if (edges.length === 0) return NO_DEPENDENCIES;
  const results: DependencyResult[] = [];
  for (const { upstream, alias, select } of edges) {
    const status = run.tasks[upstream];
    const spec = run.graph.spec.tasks[upstream];
    if (status === undefined || spec === undefined || !isFinalTask(status.state)) continue;
    const result = partOf(status.result, select);
    results.push({ key: spec.key, alias, state: status.state, result, error: status.error });
  }
  return results;
}

/** An upper bound of the assignment's size on the wire, were the task to start now. */
export function assignmentSizeBytes(run: RunState, task: number): number {
  const spec = run.graph.spec.tasks[task];
  const status = run.tasks[task];
  if (spec === undefined || status === undefined) throw new Error(`run ${run.runId} has no task ${task}`);
  const lastError = status.attempts.at(-1)?.error;
  let size =
    ASSIGNMENT_OVERHEAD_BYTES + sizeOf(status.computedInput ?? spec.input) + sizeOf(status.checkpoint);
  size += feedbackBytes(feedbackOf(run, task));
  size += (lastError?.message.length ?? 0) * 3 + sizeOf(lastError?.details);
  for (const { upstream, alias, select } of edgesSeenBy(run, task)) {
    const result = run.tasks[upstream];
    const key = run.graph.spec.tasks[upstream]?.key ?? '';
    size += DEPENDENCY_OVERHEAD_BYTES + key.length + alias.length + sizeOf(partOf(result?.result, select));
    size += (result?.error?.message.length ?? 0) * 3 + sizeOf(result?.error?.details);
  }
  return size;
}

/** The first result that its edge has no room for; undefined if there is none. */
export function oversizedResult(run: RunState, task: number): OversizedResult | undefined {
  for (const { upstream, select } of edgesSeenBy(run, task)) {
    const result = select === SELECT_ALL ? undefined : run.tasks[upstream]?.result;
    const selected = result === undefined ? undefined : selectFrom(result, select);
    if (selected === undefined || selected.ok) continue;
    const { sizeBytes, limitBytes, apart = false } = selected;
    return { upstream, sizeBytes, limitBytes, apart };
  }
  return undefined;
}

export interface OversizedResult {
  /** Index of the task whose result it is. */
  readonly upstream: number;
  readonly sizeBytes: number;
  readonly limitBytes: number;
  /** It is stored apart, and its edge asks for a part. */
  readonly apart: boolean;
}

/** Contract: oversizedResult has found none. */
function partOf(result: Payload | undefined, select: Selection): Payload | undefined {
  if (result === undefined || select === SELECT_ALL) return result;
  const selected = selectFrom(result, select);
  return selected.ok ? selected.payload : undefined;
}

/** A reference has no bytes of its own: its hash and size fit into what is added for each. */
function feedbackBytes(feedback: Feedback | undefined): number {
  if (feedback === undefined) return 0;
  const { reason, refusedResult, decision } = feedback;
  return reason.length * 3 + sizeOf(refusedResult) + sizeOf(decision);
}

function sizeOf(payload: Payload | undefined): number {
  return payload === undefined ? 0 : payload.bytes.length + payload.contentType.length + 64;
}
