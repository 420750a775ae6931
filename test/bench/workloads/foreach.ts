// What does a `foreach` cost beside the same tasks submitted one by one? Rounds of the two take turns. And do
// a long chain and a wide fan complete?

import { noopStack } from '../bench.ts';
import { measure, median, peakRssMegabytes, round, rssMegabytes } from '../measure.ts';
import { chainRun, completed, fanRun, flatRun, type RunInit, submit } from '../runs.ts';
import type { OwnWorkload } from './workload.ts';

const ITEMS = 10_000;
const ROUNDS = 5;
const SLOTS = 1_024;

export const workload: OwnWorkload = {
  kind: 'OWN',
  help: 'a foreach beside the same tasks submitted one by one',
  stack: (options) => noopStack(options.slots ?? SLOTS),
  async run(stack, rpc, options) {
    const items = options.tasks ?? ITEMS;
    const idleMegabytes = rssMegabytes(stack.orchestrator.pid);
    const rates: Record<string, number[]> = { flat: [], foreach: [] };
    for (let number = 0; number <= (options.rounds ?? ROUNDS); number += 1) {
      for (const [name, spec] of [
        ['foreach', foreachRun(items)],
        ['flat', flatRun(items)],
      ] as const) {
        const { seconds } = await measure(stack, async () => {
          await completed(rpc, await submit(rpc, spec));
        });
        if (number > 0) rates[name]?.push(items / seconds); // The first one warms up.
        options.say(`${name}, round ${number}: ${Math.round(items / seconds)} items/s`);
        if (number === 0 && name === 'foreach') {
          const peak = peakRssMegabytes(stack).orchestrator ?? 0;
          options.say(`peak after the first foreach: ${round(peak - idleMegabytes, 1)} MB above idle`);
          rates.firstForeachMegabytesAboveIdle = [round(peak - idleMegabytes, 1)];
        }
      }
    }
    const shapes: Record<string, number> = {};
    for (const [name, spec] of Object.entries(SHAPES)) {
      const { seconds } = await measure(stack, async () => {
        await completed(rpc, await submit(rpc, spec));
      });
      shapes[name] = round(seconds, 2);
      options.say(`${name}: ${seconds.toFixed(2)} s`);
    }
    const flat = median(rates.flat ?? []);
    const each = median(rates.foreach ?? []);
    return {
      items,
      flatTasksPerSecond: round(flat, 0),
      foreachItemsPerSecond: round(each, 0),
      share: round(each / flat, 2),
      firstForeachMegabytesAboveIdle: rates.firstForeachMegabytesAboveIdle?.[0],
      seconds: shapes,
      peakRssMegabytes: peakRssMegabytes(stack),
    };
  },
};

function foreachRun(items: number): RunInit {
  const list = Array.from({ length: items }, (_, index) => ({
    data: { case: 'bytes' as const, value: new TextEncoder().encode(String(index)) },
  }));
  return { name: 'foreach', tasks: [{ key: 'each', capability: 'noop', foreach: { items: list } }] };
}

const SHAPES: Readonly<Record<string, RunInit>> = {
  'chain of 20,000': chainRun(20_000),
  'fan of 10,000': fanRun(10_000),
};
