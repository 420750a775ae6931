// How long does a run of one task take when nothing else goes on, from the call to its known end?
// And how much memory does an idle orchestrator hold?

import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, noopStack } from './bench.ts';
import { percentile, round, rssMegabytes } from './measure.ts';
import { completed, flatRun, submit } from './runs.ts';

const RUNS = 500;
const WARM_UP_RUNS = 100;
const SLOTS = 32;
/** An idle process gives memory back only after a while. */
const SETTLE_MS = 3_000;

export const latency: Bench = {
  stack: (options) => noopStack(options, SLOTS),
  async run(stack, rpc, options) {
    await pause(SETTLE_MS);
    const idleAtStart = rssMegabytes(stack.orchestrator.pid);
    const submitMs: number[] = [];
    const completedMs: number[] = [];
    const runs = options.tasks ?? RUNS;
    for (let index = -WARM_UP_RUNS; index < runs; index += 1) {
      const startedMs = performance.now();
      const runId = await submit(rpc, flatRun(1));
      const submittedMs = performance.now();
      await completed(rpc, runId);
      if (index < 0) continue;
      submitMs.push(submittedMs - startedMs);
      completedMs.push(performance.now() - startedMs);
    }
    await pause(SETTLE_MS);
    const result = {
      runs,
      submitToCompletedMs: describe(completedMs),
      submitMs: describe(submitMs),
      idleRssMegabytes: { atStart: idleAtStart, afterwards: rssMegabytes(stack.orchestrator.pid) },
    };
    options.say(
      `latency: p50 ${result.submitToCompletedMs.p50} ms, p99 ${result.submitToCompletedMs.p99} ms`,
    );
    return result;
  },
};

function describe(values: readonly number[]): { p50: number; p99: number; min: number } {
  return {
    p50: round(percentile(values, 0.5), 2),
    p99: round(percentile(values, 0.99), 2),
    min: round(Math.min(...values), 2),
  };
}
