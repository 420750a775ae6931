import { expect, test } from 'vitest';
import { type RejectionCode, reject } from '../domain/rejection.ts';
import { protocolError } from './executor-answers.ts';
import { retryDelayMs } from './retry-hint.ts';

const limit = (resource: string) => reject('LIMIT_REACHED', 'm', { resource, limit: '1' }).rejection;

test.each(['active_tasks', 'pending_calls', 'ready_tasks', 'signals', 'watchers', 'store_reads'])(
  'waiting helps where %s are too many',
  (resource) => {
    expect(retryDelayMs(limit(resource))).toBe(1_000);
    expect(retryDelayMs({ ...limit(resource), retryAfterMs: 2_500 })).toBe(2_500);
    expect(protocolError(limit(resource)).retryAfter).toMatchObject({ seconds: 1n, nanos: 0 });
  },
);

test.each(['run_tasks', 'run_dependencies', 'message_bytes', 'graph_tasks', 'workflows'])(
  'no waiting helps where %s are too many',
  (resource) => {
    expect(retryDelayMs(limit(resource))).toBeUndefined();
    expect(protocolError(limit(resource)).retryAfter).toBeUndefined();
  },
);

test.each([
  ['NOT_SERVING', true],
  ['COMMIT_FAILED', true],
  ['INVALID_FIELD', false],
  ['WATCHER_TOO_SLOW', false],
] as const)('%s', (code: RejectionCode, helps) => {
  expect(retryDelayMs(reject(code, 'm').rejection) !== undefined).toBe(helps);
});
