// Which wait does a signal end, and which signal ends a wait (C.7)?
//
// A signal is kept until a task takes it: so it does not matter which of the two comes first.

import type { Change } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import type { Payload } from './payload.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import { ownMap } from './sharing.ts';
import type { RunState } from './state.ts';
import { isFinalRun, type RunPhase } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Of one run: signals that no task has waited for yet. */
export const MAX_KEPT_SIGNALS = 1_000;

export function signalRun(run: RunState, name: string, payload: Payload): Result<readonly Change[]> {
  if (isFinalRun(run.phase)) return runIsFinal(run.runId, run.phase);
  if (longestWaiting(run, name) === undefined && countKept(run) >= MAX_KEPT_SIGNALS) {
    const message = `run "${run.runId}" keeps ${MAX_KEPT_SIGNALS} signals that no task has waited for yet; send "${name}" when a task waits for it`;
    return reject('LIMIT_REACHED', message, { resource: 'signals', limit: `${MAX_KEPT_SIGNALS}` });
  }
  return accept([{ type: 'RunSignalled', name, payload }]);
}

export function runIsFinal(runId: string, phase: RunPhase): Refusal {
  const message = `run "${runId}" is ${phase} already; nothing in it waits for a signal any more`;
  return reject('ALREADY_FINAL', message, { state: phase });
}

/** Right after a signal has come: whoever has waited longest takes it. */
export function offerSignal(run: RunState, name: string): readonly Change[] {
  const task = longestWaiting(run, name);
  return task === undefined ? NOTHING : takeKept(run, task);
}

/** Right after a task has begun to wait: it takes what has come already. */
export function takeKept(run: RunState, task: number): readonly Change[] {
  const name = signalOf(run, task);
  if (name === undefined || !run.signals.has(name)) return NOTHING;
  return [{ type: 'TaskSignalled', task, attempt: runningAttempt(taskOf(run, task)).number, name }];
}

/** Whether a task that should take a signal still can: another may have been faster. */
export function mayTake(run: RunState, task: number, name: string): boolean {
  return run.signals.has(name) && run.waits.get(name)?.has(task) === true;
}

/** The name of the signal that the task is about; undefined for other work, and for a list of waits. */
export function signalOf(run: RunState, task: number): string | undefined {
  const { work, flow } = specOf(run, task);
  return work.type === 'SIGNAL' && flow.foreach === undefined ? work.name : undefined;
}

/** Waits are kept in the order in which they began. */
function longestWaiting(run: RunState, name: string): number | undefined {
  return run.waits.get(name)?.values().next().value;
}

function countKept(run: RunState): number {
  let count = 0;
  for (const payloads of run.signals.values()) count += payloads.length;
  return count;
}

/** Called by evolve() for each change of a task: a wait begins with an attempt, and ends with whatever comes next. */
export function noteWait(run: RunState, task: number, waits: boolean): void {
  const name = signalOf(run, task);
  if (name === undefined) return;
  const waiting = run.waits.get(name);
  if (!waits) {
    if (waiting?.delete(task) === true && waiting.size === 0) ownMap(run.waits).delete(name);
    return;
  }
  if (waiting !== undefined) {
    waiting.add(task);
    return;
  }
  run.waits = ownMap(run.waits).set(name, new Set([task]));
}
