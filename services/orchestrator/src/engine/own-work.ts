// When does work begin that no executor performs (expressions, waits, lists, child runs)?
//
// It has its turn in a queue of its own. A flush starts a bounded number, however fast they end; those that are left
// are ready.

import { startsRun } from '../domain/admission.ts';
import { specOf } from '../domain/lookup.ts';
import type { QueuedTask } from './active-run.ts';
import { startChild } from './children.ts';
import type { Core } from './core.ts';

/** Before the driver may commit. */
const MAX_STARTS = 100;

/** Of tasks that no executor performs. */
const OWN_QUEUE = '';

/** Starts what has its turn. */
export function startOwnWork(core: Core): void {
  for (let starts = 0; starts < MAX_STARTS; starts += 1) {
    const queue = core.queues.get(OWN_QUEUE);
    const next = queue?.peek();
    if (queue === undefined || next === undefined) return;
    const { run, task } = queue.take() as QueuedTask;
    run.queued[task] = 0;
    if (queue.size === 0) core.queues.delete(OWN_QUEUE);
    if (startsRun(specOf(run.state, task))) startChild(core, run, task);
    else core.apply(run, { type: 'StartOwnWork', task, child: false });
  }
}
