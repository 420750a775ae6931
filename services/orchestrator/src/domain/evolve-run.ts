// What does an event do to the run as a whole?
//
// A move that the state machine does not have is a defect or a damaged log, so it throws.

import type { Change } from './events.ts';
import type { Payload } from './payload.ts';
import { ownMap } from './sharing.ts';
import type { RunState } from './state.ts';
import { isFinalRun, type RunPhase } from './states.ts';

/** The changes that are about the run. */
export type RunChange = Extract<Change, { readonly type: `Run${string}` }>;

export function evolveRun(run: RunState, change: RunChange, atMs: number): void {
  switch (change.type) {
    case 'RunSubmitted':
      throw new Error(`run ${run.runId} was submitted twice`);
    case 'RunCancelling':
      movePhase(run, change, 'CANCELLING');
      run.reason = change.reason;
      run.message = change.message;
      break;
    case 'RunCompleted':
      endRun(run, change, 'COMPLETED', atMs);
      run.output = change.output;
      break;
    case 'RunFailed':
      endRun(run, change, 'FAILED', atMs);
      run.reason = change.reason;
      run.failedTask = change.failedTask ?? run.failedTask;
      noteMessage(run, change.message);
      break;
    case 'RunCancelled':
      endRun(run, change, 'CANCELLED', atMs);
      run.reason = change.reason;
      noteMessage(run, change.message ?? '');
      break;
    case 'RunPaused':
      run.paused = true;
      break;
    case 'RunResumed':
      resume(run, atMs);
      break;
    case 'RunSignalled':
      keepSignal(run, change.name, change.payload);
      break;
    case 'RunRestarted':
      restart(run, atMs);
      break;
    case 'RunCompensating':
      movePhase(run, change, 'COMPENSATING');
      run.verdict = change.verdict;
      run.failedTask = change.verdict.failedTask ?? run.failedTask;
      break;
  }
}

/** What was given by who cancelled it stays. */
function noteMessage(run: RunState, message: string): void {
  if (message !== '') run.message = run.message === '' ? message : `${run.message}; ${message}`;
}

function endRun(run: RunState, change: Change, phase: RunPhase, atMs: number): void {
  if (openTasks(run) > 0) throw new Error(`run ${run.runId}: ${change.type} while tasks are not final`);
  movePhase(run, change, phase);
  run.paused = false; // There is nothing left to resume.
  run.endedAtMs = atMs;
}

/** Where a run can go from each phase. A re-run alone leads out of a final one: see restart(). */
const PHASES: Readonly<Record<RunPhase, readonly RunPhase[]>> = {
  RUNNING: ['CANCELLING', 'COMPENSATING', 'COMPLETED', 'FAILED', 'CANCELLED'],
  CANCELLING: ['COMPENSATING', 'FAILED', 'CANCELLED'],
  COMPENSATING: ['FAILED', 'CANCELLED'],
  COMPLETED: [],
  FAILED: [],
  CANCELLED: [],
};

function movePhase(run: RunState, change: Change, phase: RunPhase): void {
  if (!PHASES[run.phase].includes(phase))
    throw new Error(`run ${run.runId}: ${change.type} while it is ${run.phase}`);
  run.phase = phase;
}

function restart(run: RunState, atMs: number): void {
  if (!isFinalRun(run.phase)) throw new Error(`run ${run.runId}: RunRestarted while it is ${run.phase}`);
  run.phase = 'RUNNING';
  run.reason = 'NONE';
  run.message = '';
  run.endedAtMs = undefined;
  run.output = undefined;
  run.verdict = undefined;
  run.paused = false;
  run.restartedAtMs = atMs;
  run.restartedAfter = run.lastRevision;
}

/** Time in the queue begins anew: nobody could have been asked in between. */
function resume(run: RunState, atMs: number): void {
  run.paused = false;
  for (const task of run.tasks) if (task.state === 'READY') task.readyAtMs = atMs;
}

function keepSignal(run: RunState, name: string, payload: Payload): void {
  const kept = run.signals.get(name);
  if (kept === undefined) run.signals = ownMap(run.signals).set(name, [payload]);
  else kept.push(payload);
}

/** How many tasks are not final yet. */
export function openTasks(run: RunState): number {
  const { WAITING, READY, RUNNING, RETRYING } = run.counts;
  return WAITING + READY + RUNNING + RETRYING;
}
