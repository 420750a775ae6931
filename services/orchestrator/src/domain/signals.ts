// Who gets a signal (C.7)? The task that has waited for it longest; if none waits, it is kept for the first
// that will.

import type { RunCommand } from './commands.ts';
import type { Change } from './events.ts';
import { runningAttempt, specOf, taskOf } from './lookup.ts';
import { accept, type Result, reject } from './rejection.ts';
import type { RunState } from './state.ts';
import { isFinalRun } from './states.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

/** Of one run: those that no task has waited for yet. */
export const MAX_KEPT_SIGNALS = 1_000;

export function signalRun(
  run: RunState,
  { name, payload }: Extract<RunCommand, { type: 'SignalRun' }>,
): Result<readonly Change[]> {
  if (isFinalRun(run.phase)) {
    const message = `run "${run.runId}" is ${run.phase} already; nothing waits for a signal`;
    return reject('ALREADY_FINAL', message, { state: run.phase });
  }
  let kept = 0;
  for (const payloads of run.signals.values()) kept += payloads.length;
  if (kept >= MAX_KEPT_SIGNALS) {
    const message = `run "${run.runId}" keeps ${kept} signals that no task has waited for; wait until some are taken`;
    return reject('LIMIT_REACHED', message, { resource: 'signals', limit: String(MAX_KEPT_SIGNALS) });
  }
  return accept([{ type: 'RunSignalled', name, payload }]);
}

/** The task whose wait a signal ends. */
export function deliver(run: RunState, name: string): readonly Change[] {
  for (const task of run.listeners) {
    const { work } = specOf(run, task);
    if (work.type === 'SIGNAL' && work.name === name) return [take(run, task, name)];
  }
  return NOTHING;
}

/** What a task that begins to wait finds. */
export function listen(run: RunState, task: number, name: string): readonly Change[] {
  return run.signals.has(name) ? [take(run, task, name)] : NOTHING;
}

function take(run: RunState, task: number, name: string): Change {
  return { type: 'TaskSignalled', task, attempt: runningAttempt(taskOf(run, task)).number, name };
}
