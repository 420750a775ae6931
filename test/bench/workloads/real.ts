// How near do recorded workflows come to their lower bounds? All of them, their runtimes scaled so that
// max(work / slots, critical path) is one second: makespan against that bound. And with runtimes of zero: what
// the orchestrator and the executors add to each task.

import {
  listRealInputs,
  lowerBoundSeconds,
  NO_REAL_INPUTS,
  readRealInput,
} from '../../support/real-inputs.ts';
import type { Rpc } from '../../support/rpc.ts';
import type { Stack } from '../../support/stack.ts';
import { EXECUTOR_COUNT } from '../bench.ts';
import { type Cost, measure, median, round } from '../measure.ts';
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
      zeroCosts: [] as Cost[],
    }));
    // All of them once without a look at the time, so that no round is the first of its kind.
    for (const { zero } of inputs) await carry(stack, rpc, zero);
    for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
      for (const input of inputs) {
        const { seconds } = await carry(stack, rpc, input.scaled);
        input.makespans.push(seconds);
        const zero = await carry(stack, rpc, input.zero);
        input.zeroCosts.push(zero);
        options.say(
          `${input.name}, round ${number}: ${seconds.toFixed(3)} s for a bound of ${BOUND_SECONDS} s; ` +
            `${zero.seconds.toFixed(3)} s without runtimes`,
        );
      }
    }
    const results = inputs.map((input) => describe(input, slots));
    return {
      slots,
      inputs: results,
      worstMakespanToBound: Math.max(...results.map((one) => one.makespanToBound)),
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
  readonly zeroCosts: readonly Cost[];
}

function describe({ name, scaled, makespans, zeroCosts }: Input, slots: number) {
  const tasks = scaled.tasks.length;
  const bound = lowerBoundSeconds(scaled, slots);
  const zeroSeconds = median(zeroCosts.map(({ seconds }) => seconds));
  const cpuSeconds = median(zeroCosts.map(({ cpuSeconds: { orchestrator = 0 } }) => orchestrator));
  return {
    name,
    tasks,
    dependencies: scaled.tasks.reduce((sum, { dependencies }) => sum + dependencies.length, 0),
    boundSeconds: round(bound, 4),
    makespanSeconds: round(median(makespans), 3),
    makespanToBound: round(median(makespans) / bound, 3),
    rounds: makespans.map((seconds) => round(seconds, 3)),
    withoutRuntimes: {
      seconds: round(zeroSeconds, 3),
      microsecondsPerTask: round((zeroSeconds * 1e6) / tasks, 1),
      /** A process tells its time in hundredths of a second: of a small input, that is little. */
      orchestratorCpuMicrosecondsPerTask: round((cpuSeconds * 1e6) / tasks, 0),
      rounds: zeroCosts.map(({ seconds }) => round(seconds, 3)),
    },
  };
}
