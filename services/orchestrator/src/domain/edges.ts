// What the final state of an upstream task does to an edge.

import type { DependencyCondition } from './spec.ts';
import type { FinalTaskState, StateReason } from './states.ts';

/** True: the edge is met. False: it can no longer be. */
export function meets(condition: DependencyCondition, upstream: FinalTaskState): boolean {
  switch (condition) {
    case 'SUCCESS':
      return upstream === 'COMPLETED';
    case 'FINISHED':
      return true;
    case 'FAILURE':
      return upstream === 'FAILED';
  }
}

/** Whether a dependant that runs over this edge takes care of the upstream's failure. */
export function handlesFailure(condition: DependencyCondition): boolean {
  return condition !== 'SUCCESS';
}

/** Why a task is skipped whose last chance this upstream was. */
export function skipReason(upstream: FinalTaskState): StateReason {
  switch (upstream) {
    case 'COMPLETED':
      return 'UPSTREAM_COMPLETED';
    case 'FAILED':
      return 'UPSTREAM_FAILED';
    case 'CANCELLED':
      return 'UPSTREAM_CANCELLED';
    case 'SKIPPED':
      return 'UPSTREAM_SKIPPED';
  }
}
