// The states of runs, tasks and attempts, and the reasons for them. The drawn state machine is in
// ARCHITECTURE.md; who moves what is decided in decide.ts and follow.ts only.

export type TaskState =
  | 'WAITING'
  | 'READY'
  | 'RUNNING'
  | 'RETRYING'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'SKIPPED';

export type RunPhase = 'RUNNING' | 'CANCELLING' | 'COMPENSATING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export type AttemptState = 'RUNNING' | 'COMPLETED' | 'FAILED' | 'TIMED_OUT' | 'LOST' | 'CANCELLED';

/** Names of tutti.v1.StateReason; `NONE` where the state says it all. */
export type StateReason =
  | 'NONE'
  | 'UPSTREAM_FAILED'
  | 'UPSTREAM_CANCELLED'
  | 'UPSTREAM_SKIPPED'
  | 'UPSTREAM_COMPLETED'
  | 'DEPENDENCY_FAILED'
  | 'ATTEMPTS_EXHAUSTED'
  | 'ERROR_NOT_RETRYABLE'
  | 'QUEUE_TIMEOUT'
  | 'TASK_TIMEOUT'
  | 'EXECUTORS_LOST'
  | 'ASSIGNMENT_TOO_LARGE'
  | 'CANCEL_REQUESTED'
  | 'RUN_ENDING'
  | 'TASK_FAILED'
  | 'RUN_TIMEOUT'
  | 'TASK_CANCELLED'
  | 'ATTEMPT_FAILED'
  | 'ATTEMPT_TIMED_OUT'
  | 'ATTEMPT_LOST'
  | 'CONDITION_FALSE'
  | 'NOT_ROUTED'
  | 'EXPRESSION_FAILED'
  | 'START_TIME_AHEAD'
  | 'RUN_AT_LIMIT'
  | 'AWAITING_MANAGER'
  | 'AWAITING_SIGNAL'
  | 'AWAITING_TIMER'
  | 'AWAITING_CHILD_RUN'
  | 'AWAITING_ITEMS'
  | 'VALIDATING'
  | 'REPEATING'
  | 'SENT_BACK'
  | 'RERUN'
  | 'FALLBACK'
  | 'ITERATIONS_EXHAUSTED'
  | 'ERROR_RULE'
  | 'OWNER_ENDED'
  | 'NOT_CHOSEN'
  | 'MANAGER_FAILED';

export type FinalTaskState = 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'SKIPPED';

export function isFinalTask(state: TaskState): state is FinalTaskState {
  return state === 'COMPLETED' || state === 'FAILED' || state === 'CANCELLED' || state === 'SKIPPED';
}

export function isFinalRun(phase: RunPhase): boolean {
  return phase === 'COMPLETED' || phase === 'FAILED' || phase === 'CANCELLED';
}
