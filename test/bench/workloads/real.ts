// How near do recorded workflows come to their lower bounds? All of them, their runtimes scaled so that
// max(work / slots, critical path) is one second: makespan against that bound, once with each task saying how
// long it takes (docs/order.md), once with none. And with runtimes of zero: what the orchestrator and the
// executors add to each task.

import {
  listRealInputs,
  lowerBoundSeconds,
  NO_REAL_INPUTS,
  readRealInput,
  withHints,
} from '../../support/real-inputs.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { Stack } from '../../support/stack.ts';
import { EXECUTOR_COUNT } from '../bench.ts';
import { inOrderSeconds } from '../in-order.ts';
import { type Cost, measure, median, round } from '../measure.ts';
import { packingBoundSeconds } from '../packing-bound.ts';
import { completed, submit } from '../runs.ts';
import type { OwnWorkload } from './workload.ts';

const SLOTS = 32;
const ROUNDS = 5;
const BOUND_SECONDS = 1;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'every recorded workflow: against its lower bound, and with runtimes of zero',
  stack: (options) => ({
    executors: EXECUTOR_COUNT,
    slots: Math.ceil((options.slots ?? SLOTS) / EXECUTOR_COUNT),
  }),
  async run(stack, rpc, options) {
    const slots = options.slots ?? SLOTS;
    const names = listRealInputs();
    if (names.length === 0) throw new Error(NO_REAL_INPUTS);
    const inputs = names.map((name) => ({
      name: name.replace('.json.gz', ''),
      scaled: readRealInput(name, BOUND_SECONDS, slots),
      zero: readRealInput(name, 0, slots),
      makespans: [] as number[],
      makespansWithoutHints: [] as number[],
      zeroCosts: [] as Cost[],
    }));
    // All of them once without a look at the time, so that no round is the first of its kind.
    for (const { zero } of inputs) await carry(stack, rpc, zero);
    for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
      for (const input of inputs) {
        const { seconds } = await carry(stack, rpc, withHints(input.scaled));
        input.makespans.push(seconds);
        const { seconds: withoutHints } = await carry(stack, rpc, input.scaled);
        input.makespansWithoutHints.push(withoutHints);
        const zero = await carry(stack, rpc, input.zero);
        input.zeroCosts.push(zero);
        options.say(
          `${input.name}, round ${number}: ${seconds.toFixed(3)} s for a bound of ${BOUND_SECONDS} s; ` +
            `${withoutHints.toFixed(3)} s without hints; ` +
            `${zero.seconds.toFixed(3)} s without runtimes`,
        );
      }
    }
    const results = inputs.map((input) => describe(input, slots));
    return {
      slots,
      inputs: results,
      worstMakespanToBound: Math.max(...results.map((one) => one.makespanToBound)),
      worstMakespanToBoundWithoutHints: Math.max(...results.map((one) => one.withoutHints.makespanToBound)),
    };
  },
};

function carry(stack: Stack, rpc: Rpc, spec: ReturnType<typeof readRealInput>): Promise<Cost> {
  return measure(stack, async () => {
    await completed(rpc, await submit(rpc, spec));
  });
}

interface Input {
  readonly name: string;
  readonly scaled: ReturnType<typeof readRealInput>;
  readonly makespans: readonly number[];
  readonly makespansWithoutHints: readonly number[];
  readonly zeroCosts: readonly Cost[];
}

function describe(input: Input, slots: number) {
  const { name, scaled, makespans, makespansWithoutHints, zeroCosts } = input;
  const tasks = scaled.tasks.length;
  const bound = lowerBoundSeconds(scaled, slots);
  const zeroSeconds = median(zeroCosts.map(({ seconds }) => seconds));
  const cpuSeconds = median(zeroCosts.map(({ cpuSeconds: { orchestrator = 0 } }) => orchestrator));
  return {
    name,
    tasks,
    dependencies: scaled.tasks.reduce((sum, { dependencies }) => sum + dependencies.length, 0),
    boundSeconds: round(bound, 4),
    /** What no schedule of whole tasks undercuts, even without any overhead. */
    packingBoundSeconds: round(packingBoundSeconds(scaled, slots), 4),
    /** Without any overhead, in the order that is promised. */
    inOrderToBound: round(inOrderSeconds(scaled, slots, true) / bound, 3),
    ...againstBound(makespans, bound),
    withoutHints: {
      inOrderToBound: round(inOrderSeconds(scaled, slots, false) / bound, 3),
      ...againstBound(makespansWithoutHints, bound),
    },
    withoutRuntimes: {
      seconds: round(zeroSeconds, 3),
      microsecondsPerTask: round((zeroSeconds * 1e6) / tasks, 1),
      /** A process tells its time in hundredths of a second: of a small input, that is little. */
      orchestratorCpuMicrosecondsPerTask: round((cpuSeconds * 1e6) / tasks, 0),
      rounds: zeroCosts.map(({ seconds }) => round(seconds, 3)),
    },
  };
}

function againstBound(makespans: readonly number[], bound: number) {
  return {
    makespanSeconds: round(median(makespans), 3),
    makespanToBound: round(median(makespans) / bound, 3),
    rounds: makespans.map((seconds) => round(seconds, 3)),
  };
}
