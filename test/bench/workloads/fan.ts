// What does it cost that one task waits for many? One task, then so many at once, then one after all of them.

import type { ComparedWorkload } from './workload.ts';

const WIDTHS = [1_000, 10_000];
/** Of each width together: a wide run takes about as long as a few narrow ones. */
const TASKS_OF_A_WIDTH = 20_000;

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'one task, then 1,000 or 10,000 at once, then one after all of them',
  defaultSlots: 1_024,
  loads: ['fan'],
  async round(contestant, options) {
    const widths = options.tasks === undefined ? WIDTHS : [options.tasks];
    for (const width of widths) {
      await contestant.warmUp({ kind: 'fan', runs: 1, width });
      const runs = Math.max(1, Math.round(Math.min(TASKS_OF_A_WIDTH, 10 * width) / width));
      await contestant.measure(`1-${width}-1`, { kind: 'fan', runs, width });
    }
  },
};
