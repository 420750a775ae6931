// What to tell an executor whose lease ended without its own report.

import type { Change } from '../domain/events.ts';
import type { Cancellation } from './inputs.ts';

export type EndingChange = Extract<
  Change,
  {
    type:
      | 'TaskRetrying'
      | 'TaskRepeating'
      | 'TaskSentBack'
      | 'TaskValidating'
      | 'TaskReset'
      | 'TaskCompleted'
      | 'TaskFailed'
      | 'TaskCancelled';
  }
>;

/** Undefined: nothing, because the executor is lost or has reported itself. */
export function endOfLease(change: EndingChange): Cancellation['reason'] | undefined {
  switch (change.type) {
    case 'TaskCompleted':
      // In spite of an error that it has not reported: it took too long.
      return change.error === undefined ? undefined : 'ATTEMPT_TIMED_OUT';
    case 'TaskRepeating':
    case 'TaskSentBack':
    case 'TaskValidating':
      return undefined;
    case 'TaskReset':
      return 'CANCEL_REQUESTED';
    case 'TaskRetrying':
      return change.end === 'TIMED_OUT' ? 'ATTEMPT_TIMED_OUT' : undefined;
    case 'TaskFailed':
      if (change.ended?.end !== 'TIMED_OUT') return undefined;
      return change.reason === 'TASK_TIMEOUT' ? 'TASK_TIMEOUT' : 'ATTEMPT_TIMED_OUT';
    case 'TaskCancelled':
      return change.reason === 'RUN_ENDING' ? 'RUN_ENDING' : 'CANCEL_REQUESTED';
  }
}
