// Does it help to wait after a refusal, and for how long? Told by every door: RetryInfo and Retry-After to
// clients, ProtocolError.retry_after to executors.

import type { Rejection } from '../domain/rejection.ts';

/** Where nothing better is known. */
const RETRY_DELAY_MS = 1_000;

/** Of the metadata `resource`: bounds that waiting does not change. */
export const MESSAGE_BYTES = 'message_bytes';
export const MESSAGE_WEIGHT = 'message_weight';
export const GRAPH_TASKS = 'graph_tasks';
export const GRAPH_DEPENDENCIES = 'graph_dependencies';
export const GRAPH_BYTES = 'graph_bytes';
export const WORKFLOW_BYTES = 'workflow_bytes';
const FIXED_BOUNDS: readonly (string | undefined)[] = [
  MESSAGE_BYTES,
  MESSAGE_WEIGHT,
  GRAPH_TASKS,
  GRAPH_DEPENDENCIES,
  GRAPH_BYTES,
  WORKFLOW_BYTES,
  'workflows',
  'workflow_versions',
  'run_tasks',
  'run_dependencies',
];

/** Undefined where the same request meets the same refusal. */
export function retryDelayMs(
  rejection: Pick<Rejection, 'code' | 'metadata' | 'retryAfterMs'>,
): number | undefined {
  return helps(rejection) ? (rejection.retryAfterMs ?? RETRY_DELAY_MS) : undefined;
}

function helps({ code, metadata }: Pick<Rejection, 'code' | 'metadata'>): boolean {
  switch (code) {
    case 'COMMIT_FAILED':
    case 'NOT_SERVING':
      return true;
    case 'LIMIT_REACHED':
      return !FIXED_BOUNDS.includes(metadata.resource);
    default:
      return false;
  }
}
