// How are states and reasons named on the wire? One table for each enum, both ways.

import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { AttemptState, DependencyCondition, TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { UnsuccessfulEnd } from '../domain/events.ts';
import type { DependencyCondition as DomainCondition } from '../domain/spec.ts';
import type {
  AttemptState as DomainAttemptState,
  StateReason as DomainReason,
  TaskState as DomainTaskState,
  RunPhase,
} from '../domain/states.ts';

export const TASK_STATE_TO_WIRE: Readonly<Record<DomainTaskState, TaskState>> = {
  WAITING: TaskState.WAITING,
  READY: TaskState.READY,
  RUNNING: TaskState.RUNNING,
  RETRYING: TaskState.RETRYING,
  COMPLETED: TaskState.COMPLETED,
  FAILED: TaskState.FAILED,
  CANCELLED: TaskState.CANCELLED,
  SKIPPED: TaskState.SKIPPED,
};

export const RUN_PHASE_TO_WIRE: Readonly<Record<RunPhase, RunState>> = {
  RUNNING: RunState.RUNNING,
  CANCELLING: RunState.CANCELLING,
  COMPLETED: RunState.COMPLETED,
  FAILED: RunState.FAILED,
  CANCELLED: RunState.CANCELLED,
  COMPENSATING: RunState.COMPENSATING,
};

export const ATTEMPT_STATE_TO_WIRE: Readonly<Record<DomainAttemptState, AttemptState>> = {
  RUNNING: AttemptState.RUNNING,
  COMPLETED: AttemptState.COMPLETED,
  FAILED: AttemptState.FAILED,
  TIMED_OUT: AttemptState.TIMED_OUT,
  LOST: AttemptState.LOST,
  CANCELLED: AttemptState.CANCELLED,
};

export const CONDITION_TO_WIRE: Readonly<Record<DomainCondition, DependencyCondition>> = {
  SUCCESS: DependencyCondition.SUCCESS,
  FINISHED: DependencyCondition.FINISHED,
  FAILURE: DependencyCondition.FAILURE,
};

export const REASON_TO_WIRE: Readonly<Record<DomainReason, StateReason>> = {
  NONE: StateReason.UNSPECIFIED,
  UPSTREAM_FAILED: StateReason.UPSTREAM_FAILED,
  UPSTREAM_CANCELLED: StateReason.UPSTREAM_CANCELLED,
  UPSTREAM_SKIPPED: StateReason.UPSTREAM_SKIPPED,
  UPSTREAM_COMPLETED: StateReason.UPSTREAM_COMPLETED,
  DEPENDENCY_FAILED: StateReason.DEPENDENCY_FAILED,
  ATTEMPTS_EXHAUSTED: StateReason.ATTEMPTS_EXHAUSTED,
  ERROR_NOT_RETRYABLE: StateReason.ERROR_NOT_RETRYABLE,
  QUEUE_TIMEOUT: StateReason.QUEUE_TIMEOUT,
  TASK_TIMEOUT: StateReason.TASK_TIMEOUT,
  EXECUTORS_LOST: StateReason.EXECUTORS_LOST,
  ASSIGNMENT_TOO_LARGE: StateReason.ASSIGNMENT_TOO_LARGE,
  CANCEL_REQUESTED: StateReason.CANCEL_REQUESTED,
  RUN_ENDING: StateReason.RUN_ENDING,
  TASK_FAILED: StateReason.TASK_FAILED,
  RUN_TIMEOUT: StateReason.RUN_TIMEOUT,
  TASK_CANCELLED: StateReason.TASK_CANCELLED,
  ATTEMPT_FAILED: StateReason.ATTEMPT_FAILED,
  ATTEMPT_TIMED_OUT: StateReason.ATTEMPT_TIMED_OUT,
  ATTEMPT_LOST: StateReason.ATTEMPT_LOST,
  CONDITION_FALSE: StateReason.CONDITION_FALSE,
  NOT_ROUTED: StateReason.NOT_ROUTED,
  EXPRESSION_FAILED: StateReason.EXPRESSION_FAILED,
  START_TIME_AHEAD: StateReason.START_TIME_AHEAD,
  RUN_AT_LIMIT: StateReason.RUN_AT_LIMIT,
  AWAITING_MANAGER: StateReason.AWAITING_MANAGER,
  AWAITING_SIGNAL: StateReason.AWAITING_SIGNAL,
  AWAITING_TIMER: StateReason.AWAITING_TIMER,
  AWAITING_CHILD_RUN: StateReason.AWAITING_CHILD_RUN,
  AWAITING_ITEMS: StateReason.AWAITING_ITEMS,
  VALIDATING: StateReason.VALIDATING,
  REPEATING: StateReason.REPEATING,
  SENT_BACK: StateReason.SENT_BACK,
  RERUN: StateReason.RERUN,
  FALLBACK: StateReason.FALLBACK,
  ITERATIONS_EXHAUSTED: StateReason.ITERATIONS_EXHAUSTED,
  ERROR_RULE: StateReason.ERROR_RULE,
  OWNER_ENDED: StateReason.OWNER_ENDED,
  NOT_CHOSEN: StateReason.NOT_CHOSEN,
  MANAGER_FAILED: StateReason.MANAGER_FAILED,
};

const TASK_STATE_FROM_WIRE = inverse(TASK_STATE_TO_WIRE);
const RUN_PHASE_FROM_WIRE = inverse(RUN_PHASE_TO_WIRE);
const ATTEMPT_STATE_FROM_WIRE = inverse(ATTEMPT_STATE_TO_WIRE);
const REASON_FROM_WIRE = inverse(REASON_TO_WIRE);

/** Undefined for UNSPECIFIED and for values that this version does not know. */
export function taskStateFromWire(value: TaskState): DomainTaskState | undefined {
  return TASK_STATE_FROM_WIRE.get(value);
}

/** Undefined for UNSPECIFIED and for values that this version does not know. */
export function runPhaseFromWire(value: RunState): RunPhase | undefined {
  return RUN_PHASE_FROM_WIRE.get(value);
}

/** Throws where the value is none: it comes from the store, so the store is corrupt. */
export function unsuccessfulEndFromWire(value: AttemptState): UnsuccessfulEnd {
  const state = ATTEMPT_STATE_FROM_WIRE.get(value);
  if (state === 'FAILED' || state === 'TIMED_OUT' || state === 'LOST') return state;
  throw new Error(`stored event: attempt state ${value} is no unsuccessful end`);
}

/** Throws where the value is none: it comes from the store, so the store is corrupt. */
export function reasonFromWire(value: StateReason): DomainReason {
  const reason = REASON_FROM_WIRE.get(value);
  if (reason === undefined) throw new Error(`stored event: unknown state reason ${value}`);
  return reason;
}

/** UNSPECIFIED is the default, success; so is what validation has let through by mistake. */
export function conditionFromWire(value: DependencyCondition): DomainCondition {
  if (value === DependencyCondition.FINISHED) return 'FINISHED';
  if (value === DependencyCondition.FAILURE) return 'FAILURE';
  return 'SUCCESS';
}

function inverse<Name extends string>(table: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map(Object.entries(table).map(([name, value]) => [value as number, name as Name]));
}
