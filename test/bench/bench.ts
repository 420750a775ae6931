// What do the benchmarks of Tutti run on?

import type { StackOptions } from '../support/stack.ts';

export const EXECUTOR_COUNT = 2;

export const NOOP_EXECUTOR = 'test/bench/executor.ts';

/** Slots of all executors together. */
export function noopStack(slots: number): StackOptions {
  return {
    executors: EXECUTOR_COUNT,
    executorProgram: NOOP_EXECUTOR,
    slots: Math.ceil(slots / EXECUTOR_COUNT),
  };
}
