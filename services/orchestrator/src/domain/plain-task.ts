// What is a task of which nothing is said but who does it?

import { EMPTY_PAYLOAD } from './payload.ts';
import {
  DEFAULT_CANCEL_GRACE_MS,
  DEFAULT_JOIN,
  DEFAULT_PRIORITY,
  DEFAULT_RETRY,
  NO_TIMEOUTS,
  PLAIN_TASK,
  type TaskSpec,
} from './spec.ts';

/** With every default filled in, but for what else is said of it. */
export function plainTask(key: string, capability: string, said: Partial<TaskSpec> = {}): TaskSpec {
  return {
    key,
    capability,
    input: EMPTY_PAYLOAD,
    dependencies: [],
    join: DEFAULT_JOIN,
    onUnmet: 'SKIP',
    parent: '',
    priority: DEFAULT_PRIORITY,
    retry: DEFAULT_RETRY,
    timeouts: NO_TIMEOUTS,
    allowFailure: false,
    cancelGraceMs: DEFAULT_CANCEL_GRACE_MS,
    ...PLAIN_TASK,
    ...said,
  };
}
