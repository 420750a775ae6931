// How long does one step take from the end of a task to the end of the next? In chains of no-ops.

import { noopStack } from '../bench.ts';
import { measure, median, round } from '../measure.ts';
import { chainRun, completed, submit } from '../runs.ts';
import type { OwnWorkload } from './workload.ts';

const STEPS = [40, 400];
const ROUNDS = 5;
const SLOTS = 32;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'chains of no-ops: milliseconds a step',
  stack: (options) => noopStack(options.slots ?? SLOTS),
  async run(stack, rpc, options) {
    const lengths = options.tasks === undefined ? STEPS : [options.tasks];
    const chains: object[] = [];
    await completed(rpc, await submit(rpc, chainRun(200)));
    for (const steps of lengths) {
      const msPerStep: number[] = [];
      for (let number = 0; number < (options.rounds ?? ROUNDS); number += 1) {
        const { seconds } = await measure(stack, async () => {
          await completed(rpc, await submit(rpc, chainRun(steps)));
        });
        msPerStep.push((seconds * 1_000) / steps);
      }
      chains.push({
        steps,
        msPerStep: round(median(msPerStep), 3),
        rounds: msPerStep.map((ms) => round(ms, 3)),
      });
      options.say(`chain of ${steps}: ${median(msPerStep).toFixed(3)} ms a step`);
    }
    return { chains };
  },
};
