// How near does a real workflow come to its lower bound? The recorded montage of 1,738 tasks, its
// runtimes scaled so that max(work / slots, critical path) is one second, on the ready executor's sleep.

import { lowerBoundSeconds, MONTAGE, readRealInput } from '../../support/real-inputs.ts';
import { EXECUTOR_COUNT } from '../bench.ts';
import { measure, median, round } from '../measure.ts';
import { completed, submit } from '../runs.ts';
import type { OwnWorkload } from './workload.ts';

const SLOTS = 32;
const ROUNDS = 3;
const BOUND_SECONDS = 1;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'the recorded montage against its lower bound',
  stack: (options) => ({
    executors: EXECUTOR_COUNT,
    slots: Math.ceil((options.slots ?? SLOTS) / EXECUTOR_COUNT),
  }),
  async run(stack, rpc, options) {
    const slots = options.slots ?? SLOTS;
    const spec = readRealInput(MONTAGE, BOUND_SECONDS, slots);
    const warmUp = { key: 'warm-up', capability: 'sleep', input: sleepOf(0) };
    await completed(rpc, await submit(rpc, { name: 'warm-up', tasks: [warmUp] }));
    const makespans: number[] = [];
    for (let number = 1; number <= (options.rounds ?? ROUNDS); number += 1) {
      const { seconds } = await measure(stack, async () => {
        await completed(rpc, await submit(rpc, spec));
      });
      makespans.push(seconds);
      options.say(`montage, round ${number}: ${seconds.toFixed(3)} s for a bound of ${BOUND_SECONDS} s`);
    }
    return {
      tasks: spec.tasks.length,
      slots,
      boundSeconds: round(lowerBoundSeconds(spec, slots), 4),
      makespanSeconds: round(median(makespans), 3),
      makespanToBound: round(median(makespans) / lowerBoundSeconds(spec, slots), 3),
      rounds: makespans.map((seconds) => round(seconds, 3)),
    };
  },
};

function sleepOf(seconds: number) {
  return { data: { case: 'bytes' as const, value: new TextEncoder().encode(JSON.stringify({ seconds })) } };
}
