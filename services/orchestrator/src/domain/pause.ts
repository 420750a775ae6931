// When is a run halted, and what happens as it goes on (F.2)?
//
// While it is paused, tasks still become READY: they are only not started. What runs goes on, and so does
// the time of the run as a whole.

import type { Change } from './events.ts';
import { accept, type Refusal, type Result, reject } from './rejection.ts';
import type { RunState } from './state.ts';
import { isFinalRun, type RunPhase } from './states.ts';
import { wayAhead } from './way-ahead.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

export function pauseRun(run: RunState, message: string): Result<readonly Change[]> {
  if (isFinalRun(run.phase)) return nothingToPause(run.runId, run.phase);
  return accept(run.paused ? NOTHING : [{ type: 'RunPaused', message }]);
}

export function resumeRun(run: RunState): Result<readonly Change[]> {
  if (isFinalRun(run.phase)) return nothingToPause(run.runId, run.phase);
  return accept(run.paused ? [{ type: 'RunResumed' }] : NOTHING);
}

export function nothingToPause(runId: string, phase: RunPhase): Refusal {
  const message = `run "${runId}" is ${phase} already; there is nothing to pause or resume`;
  return reject('ALREADY_FINAL', message, { state: phase });
}

/** Tasks that are READY, in the order in which they became so, and in which their turn comes at one moment. */
export function readyInOrder(run: RunState): readonly number[] {
  const ready: number[] = [];
  for (const [task, { state }] of run.tasks.entries()) if (state === 'READY') ready.push(task);
  const revisionOf = (task: number) => run.tasks[task]?.readyRevision ?? 0;
  const way = (task: number) => wayAhead(run.graph, task);
  return ready.sort((a, b) => revisionOf(a) - revisionOf(b) || way(b) - way(a) || a - b);
}
