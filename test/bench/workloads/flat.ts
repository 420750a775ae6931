// How many tasks a second, with nothing to do in them and nothing between them? Once in as large submissions as
// the contestant has (of Tutti: a few large runs), once each as a unit of its own (of Tutti: runs of one task).

import type { ComparedWorkload } from './workload.ts';

const TASKS = 200_000;
/** Some seconds: what is compared is a server that has been up, not how soon it is. */
const WARM_UP_TASKS = 30_000;

export const workload: ComparedWorkload = {
  kind: 'COMPARED',
  help: 'no-ops without dependencies: tasks a second',
  defaultSlots: 1_024,
  loads: ['flat-large', 'flat-single'],
  async round(contestant, options) {
    const tasks = options.tasks ?? TASKS;
    for (const kind of workload.loads) {
      if (kind !== 'flat-large' && kind !== 'flat-single') continue;
      if (!contestant.can(kind)) continue;
      await contestant.warmUp({ kind, tasks: Math.min(WARM_UP_TASKS, tasks) });
      await contestant.measure(kind, { kind, tasks });
    }
  },
};
