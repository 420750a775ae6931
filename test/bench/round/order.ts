// What is asked of the process that runs one round, and what does it answer?

import type { Part } from './part.ts';
import type { SystemCalls } from './system-calls.ts';

export interface RoundOrder {
  /** The module that exports the contestant: a URL. */
  readonly module: string;
  readonly contestant: string;
  /** COUNT: a short round that only counts system calls; MEASURE: the workload. */
  readonly purpose: 'COUNT' | 'MEASURE';
  readonly workload: string;
  readonly slots: number;
  readonly tasks: number | undefined;
  /** Empty; whoever gave the order removes it. */
  readonly folder: string;
  readonly cache: string;
}

export interface RoundResult {
  readonly version: string;
  /** By role, once it has started, before any work. */
  readonly idleMegabytes: Readonly<Record<string, number>>;
  readonly parts: readonly Part[];
  readonly systemCalls?: SystemCalls;
}
