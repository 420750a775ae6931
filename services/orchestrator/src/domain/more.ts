// What few tasks have is kept apart from what all have, and made when first needed.

import type { TaskMore, TaskStatus } from './state.ts';

export function moreOf(task: TaskStatus): TaskMore {
  task.more ??= {
    iteration: 0,
    sentBack: new Map(),
    resets: 0,
    feedback: undefined,
    fallback: undefined,
    startAtMs: undefined,
    heldRevision: 0,
    executorId: '',
    attemptsBefore: 0,
    signal: undefined,
    validating: undefined,
    expansion: undefined,
    rewired: false,
  };
  return task.more;
}
