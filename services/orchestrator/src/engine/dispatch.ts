// Gives ready tasks to executors with room: over all capabilities, the task whose turn it is first.

import { hasTurnBefore, type ReadyQueue } from '../scheduling/ready-queue.ts';
import type { QueuedTask } from './active-run.ts';
import { assignmentOf, assignmentSizeBytes } from './assignment.ts';
import type { Core } from './core.ts';
import type { Executor } from './executor.ts';

/** Attempts started at most before the driver may commit: keeps one batch from growing without end. */
const MAX_STARTS = 5_000;

export function dispatch(core: Core): void {
  for (let starts = 0; starts < MAX_STARTS; starts += 1) {
    const next = nextUp(core);
    if (next === undefined) return;
    start(core, next.queue, next.executor);
  }
}

interface NextUp {
  readonly queue: ReadyQueue<QueuedTask>;
  readonly executor: Executor;
}

function nextUp(core: Core): NextUp | undefined {
  let best: NextUp | undefined;
  let bestTask: QueuedTask | undefined;
  for (const [capability, queue] of core.queues) {
    const task = queue.peek();
    if (task === undefined || (bestTask !== undefined && !hasTurnBefore(task, bestTask))) continue;
    const executor = core.pool.choose(capability);
    if (executor === undefined) continue;
    best = { queue, executor };
    bestTask = task;
  }
  return best;
}

function start(core: Core, queue: ReadyQueue<QueuedTask>, executor: Executor): void {
  const { run, task } = queue.take() as QueuedTask;
  run.queued[task] = 0;
  const capability = run.state.graph.spec.tasks[task]?.capability ?? '';
  if (queue.size === 0) core.queues.delete(capability);
  const sizeBytes = assignmentSizeBytes(run.state, task);
  const limitBytes = core.options.maxAssignmentBytes;
  if (sizeBytes > limitBytes) {
    core.apply(run, { type: 'RefuseAssignment', task, sizeBytes, limitBytes });
    return;
  }
  const leaseToken = core.options.mintToken();
  const command = { type: 'StartAttempt', task, executorId: executor.executorId, leaseToken } as const;
  const started = core.apply(run, command);
  if (!started.ok || started.value.length === 0)
    throw new Error(`task ${task} of run ${run.state.runId} was not started`);
  core.leases.grant({
    token: leaseToken,
    run,
    task,
    capability,
    executor,
    grantedAtMs: core.nowMs,
    expiresAtMs: core.nowMs + core.options.leaseDurationMs,
    deafMs: 0,
  });
  core.output.effect({
    type: 'Assign',
    executorId: executor.executorId,
    assignment: assignmentOf(run.state, task),
  });
}
