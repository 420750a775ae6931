// In which queue does a ready task stand? In that of its capability; or, where a manager chose the executor for
// it and that executor is there, in one of the executor's own. So neither is ever searched.

import { createReadyQueue, type ReadyQueue } from '../scheduling/ready-queue.ts';
import type { ActiveRun, QueuedTask } from './active-run.ts';
import type { Core } from './core.ts';

/** By capability. */
export type Queues = Map<string, ReadyQueue<QueuedTask>>;

/** The executor that alone may start the task; empty for anyone. */
export function pinOf(core: Core, run: ActiveRun, task: number, capability: string): string {
  const executorId = run.state.tasks[task]?.more?.executorId ?? '';
  if (executorId === '') return '';
  const executor = core.executors.get(executorId);
  const takesIt =
    executor?.session !== undefined && !executor.draining && executor.capabilities.has(capability);
  return takesIt ? executorId : '';
}

/** @param executorId whose own queue; empty for everybody's */
export function queueFor(core: Core, executorId: string, capability: string): ReadyQueue<QueuedTask> {
  const queues = queuesFor(core, executorId);
  let queue = queues.get(capability);
  if (queue === undefined) {
    queue = createReadyQueue<QueuedTask>(isQueued);
    queues.set(capability, queue);
  }
  return queue;
}

function queuesFor(core: Core, executorId: string): Queues {
  if (executorId === '') return core.queues;
  let queues = core.pinned.get(executorId);
  if (queues === undefined) {
    queues = new Map();
    core.pinned.set(executorId, queues);
  }
  return queues;
}

/** One of its entries has become stale. */
export function discount(core: Core, executorId: string, capability: string): void {
  queueFor(core, executorId, capability).discount();
  closeIfEmpty(core, executorId, capability);
}

export function closeIfEmpty(core: Core, executorId: string, capability: string): void {
  const queues = queuesFor(core, executorId);
  if (queues.get(capability)?.size === 0) queues.delete(capability);
  if (executorId !== '' && queues.size === 0) core.pinned.delete(executorId);
}

/**
 * The executor has gone, drains, or offers other things now: each task that waits for it gets the place among all
 * that it would have without it, unless the executor still takes it.
 */
export function giveBack(core: Core, executorId: string): void {
  const queues = core.pinned.get(executorId);
  if (queues === undefined) return;
  core.pinned.delete(executorId);
  const waiting: QueuedTask[] = [];
  for (const queue of queues.values()) {
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      entry.run.queued[entry.task] = 0;
      entry.run.pins?.delete(entry.task);
      waiting.push(entry);
    }
  }
  core.readmit(waiting);
}

export function isQueued(entry: QueuedTask): boolean {
  return (
    entry.run.queued[entry.task] === 1 &&
    entry.run.state.tasks[entry.task]?.readyRevision === entry.readyRevision
  );
}
