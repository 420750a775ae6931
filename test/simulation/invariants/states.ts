// Which states do runs and tasks have, and which events move them? The table of ARCHITECTURE's state diagram.

import type { RunPhase, TaskState } from '../../../services/orchestrator/src/domain/states.ts';
import type { FactCase } from './fact.ts';

interface Move<S> {
  readonly from: readonly S[];
  /** Left out: it stays. */
  readonly to?: S;
}

export const FINAL: ReadonlySet<TaskState> = new Set(['COMPLETED', 'FAILED', 'CANCELLED', 'SKIPPED']);
const OPEN: readonly TaskState[] = ['WAITING', 'READY', 'RUNNING', 'RETRYING'];

export type TaskCase = Extract<FactCase, `task${string}`> extends infer C ? Exclude<C, 'tasksAdded'> : never;

export const TASK_MOVES: Readonly<Record<TaskCase, Move<TaskState>>> = {
  taskHeld: { from: ['WAITING'] },
  taskRouted: { from: ['WAITING'] },
  taskDependenciesChanged: { from: ['WAITING'] },
  taskSkipped: { from: ['WAITING'], to: 'SKIPPED' },
  taskReady: { from: ['WAITING', 'RETRYING'], to: 'READY' },
  taskStarted: { from: ['READY'], to: 'RUNNING' },
  taskProgressed: { from: ['RUNNING'] },
  taskExpanded: { from: ['RUNNING'] },
  taskSignalled: { from: ['RUNNING'] },
  taskValidating: { from: ['RUNNING'] },
  taskCancelling: { from: ['RUNNING'] },
  taskRetrying: { from: ['RUNNING'], to: 'RETRYING' },
  taskRepeating: { from: ['RUNNING'], to: 'RETRYING' },
  taskSentBack: { from: ['RUNNING'], to: 'WAITING' },
  taskCompleted: { from: ['RUNNING'], to: 'COMPLETED' },
  taskFailed: { from: OPEN, to: 'FAILED' },
  taskCancelled: { from: OPEN, to: 'CANCELLED' },
  taskReset: { from: [...OPEN, ...FINAL], to: 'WAITING' },
};

const LIVE: readonly RunPhase[] = ['RUNNING', 'CANCELLING', 'COMPENSATING'];
const FINAL_PHASES: readonly RunPhase[] = ['COMPLETED', 'FAILED', 'CANCELLED'];

export type RunCase = Exclude<Extract<FactCase, `run${string}`> | 'tasksAdded', 'runSubmitted'>;

export const RUN_MOVES: Readonly<Record<RunCase, Move<RunPhase>>> = {
  runCancelling: { from: ['RUNNING'], to: 'CANCELLING' },
  runCompensating: { from: ['RUNNING', 'CANCELLING'], to: 'COMPENSATING' },
  runCompleted: { from: ['RUNNING'], to: 'COMPLETED' },
  runFailed: { from: LIVE, to: 'FAILED' },
  runCancelled: { from: LIVE, to: 'CANCELLED' },
  runPaused: { from: LIVE },
  runResumed: { from: LIVE },
  runSignalled: { from: LIVE },
  runRestarted: { from: FINAL_PHASES, to: 'RUNNING' },
  tasksAdded: { from: LIVE },
};

export function isFinalPhase(phase: RunPhase): boolean {
  return FINAL_PHASES.includes(phase);
}

/** What its run has to be, for an event of a task. */
export function isLive(phase: RunPhase): boolean {
  return LIVE.includes(phase);
}
