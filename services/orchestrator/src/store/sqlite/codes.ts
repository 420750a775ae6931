// The numbers under which states and reasons are stored. They are on people's disks: never change
// one, never use one again; a new name gets the next number.

import type { RunPhase, StateReason, TaskState } from '../../domain/states.ts';

const TASK_STATES: Readonly<Record<TaskState, number>> = {
  WAITING: 1,
  READY: 2,
  RUNNING: 3,
  RETRYING: 4,
  COMPLETED: 5,
  FAILED: 6,
  CANCELLED: 7,
  SKIPPED: 8,
};

const RUN_PHASES: Readonly<Record<RunPhase, number>> = {
  RUNNING: 1,
  CANCELLING: 2,
  COMPLETED: 3,
  FAILED: 4,
  CANCELLED: 5,
  COMPENSATING: 6,
};

const STATE_REASONS: Readonly<Record<StateReason, number>> = {
  NONE: 0,
  UPSTREAM_FAILED: 1,
  UPSTREAM_CANCELLED: 2,
  UPSTREAM_SKIPPED: 3,
  UPSTREAM_COMPLETED: 4,
  DEPENDENCY_FAILED: 5,
  ATTEMPTS_EXHAUSTED: 6,
  ERROR_NOT_RETRYABLE: 7,
  QUEUE_TIMEOUT: 8,
  TASK_TIMEOUT: 9,
  EXECUTORS_LOST: 10,
  ASSIGNMENT_TOO_LARGE: 11,
  CANCEL_REQUESTED: 12,
  RUN_ENDING: 13,
  TASK_FAILED: 14,
  RUN_TIMEOUT: 15,
  TASK_CANCELLED: 16,
  ATTEMPT_FAILED: 17,
  ATTEMPT_TIMED_OUT: 18,
  ATTEMPT_LOST: 19,
  CONDITION_FALSE: 20,
  NOT_ROUTED: 21,
  EXPRESSION_FAILED: 22,
  START_TIME_AHEAD: 23,
  RUN_AT_LIMIT: 24,
  AWAITING_MANAGER: 25,
  AWAITING_SIGNAL: 26,
  AWAITING_TIMER: 27,
  AWAITING_CHILD_RUN: 28,
  AWAITING_ITEMS: 29,
  VALIDATING: 30,
  REPEATING: 31,
  SENT_BACK: 32,
  RERUN: 33,
  FALLBACK: 34,
  ITERATIONS_EXHAUSTED: 35,
  ERROR_RULE: 36,
  OWNER_ENDED: 37,
  NOT_CHOSEN: 38,
  MANAGER_FAILED: 39,
};

export interface Code<Name extends string> {
  readonly names: readonly Name[];
  toNumber(name: Name): number;
  /** Throws on a number that this version does not know. */
  toName(number: number): Name;
}

export const taskStateCode = createCode('task state', TASK_STATES);
export const runPhaseCode = createCode('run phase', RUN_PHASES);
export const stateReasonCode = createCode('state reason', STATE_REASONS);

function createCode<Name extends string>(what: string, numbers: Readonly<Record<Name, number>>): Code<Name> {
  const names = Object.keys(numbers) as Name[];
  const byNumber: (Name | undefined)[] = [];
  for (const name of names) byNumber[numbers[name]] = name;
  return {
    names,
    toNumber: (name) => numbers[name],
    toName: (number) => {
      const name = byNumber[number];
      if (name === undefined) throw new RangeError(`the database holds the unknown ${what} ${number}`);
      return name;
    },
  };
}
