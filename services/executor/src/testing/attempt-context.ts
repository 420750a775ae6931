// An attempt's context for tests of handlers: what the SDK would give, with what the test sets.

import type { AttemptContext, DependencyOutcome } from '@tutti/client/executor';

export interface TestContext extends AttemptContext {
  abort(reason: unknown): void;
}

export function createTestContext(given: Partial<AttemptContext> = {}): TestContext {
  const controller = new AbortController();
  return {
    runId: 'run-1',
    taskKey: 'task',
    capability: 'test',
    attempt: 1,
    signal: controller.signal,
    inputPayload: undefined,
    dependencies: new Map(),
    merged: () => ({}),
    lastCheckpoint: undefined,
    lastError: undefined,
    feedback: undefined,
    iteration: 0,
    traceparent: '',
    progress() {},
    checkpoint() {},
    addTasks: async (tasks) => tasks.length,
    usage() {},
    partialResult() {},
    maxPayloadBytes: 262_144,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...given,
    abort: (reason) => controller.abort(reason),
  };
}

export function completed(result: unknown): DependencyOutcome {
  return { state: 'COMPLETED', result, error: undefined };
}
