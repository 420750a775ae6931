// What is a benchmark, and what can be chosen about it?

import type { Rpc } from '../support/rpc.ts';
import type { Stack, StackOptions } from '../support/stack.ts';

export interface BenchOptions {
  /** How many tasks, where the workload has a choice; undefined: its own default. */
  readonly tasks: number | undefined;
  readonly rounds: number | undefined;
  /** Of all executors together. */
  readonly slots: number | undefined;
  /** For people, as it goes. */
  readonly say: (line: string) => void;
}

export interface Bench {
  /** What it needs to run on. */
  stack(options: BenchOptions): StackOptions;
  /** What it found: the JSON that is printed. */
  run(stack: Stack, rpc: Rpc, options: BenchOptions): Promise<Record<string, unknown>>;
}

export const EXECUTOR_COUNT = 2;

export const NOOP_EXECUTOR = 'test/bench/executor.ts';

export function noopStack(options: BenchOptions, defaultSlots: number): StackOptions {
  const slots = Math.ceil((options.slots ?? defaultSlots) / EXECUTOR_COUNT);
  return { executors: EXECUTOR_COUNT, executorProgram: NOOP_EXECUTOR, slots };
}
