// Gives ready tasks to executors with room: over all capabilities, the task whose turn it is first.

import { capabilityOf } from '../domain/lookup.ts';
import { roomFor } from '../scheduling/executor-pool.ts';
import { hasTurnBefore, type ReadyQueue } from '../scheduling/ready-queue.ts';
import type { QueuedTask } from './active-run.ts';
import { assignmentSizeBytes, oversizedResult } from './assignment.ts';
import type { Core } from './core.ts';
import type { Executor } from './executor.ts';
import { assignmentIn, shownTo } from './managed.ts';
import { startOwnWork } from './own-work.ts';
import { closeIfEmpty } from './queues.ts';

/** Attempts started at most before the driver may commit: keeps one batch from growing without end. */
const MAX_STARTS = 5_000;

export function dispatch(core: Core): void {
  if (core.queues.size === 0 && core.pinned.size === 0) return;
  startOwnWork(core);
  let open = openQueues(core);
  for (let starts = 0; starts < MAX_STARTS; starts += 1) {
    const next = nextUp(core, open);
    if (next === undefined) return;
    // A refusal fails a task: others may be ready for that, and slots be free again.
    if (start(core, next.queue, next.executor) === 'REFUSED') open = openQueues(core);
  }
}

interface OpenQueue {
  readonly capability: string;
  readonly queue: ReadyQueue<QueuedTask>;
  /** Whose own queue it is; undefined for everybody's. */
  readonly owner: Executor | undefined;
}

/**
 * The queues that somebody may have room for. Looks at what is offered or at what is asked for, whichever
 * is less: a run that asks for 100,000 capabilities that nobody has must not slow down every start.
 */
function openQueues(core: Core): OpenQueue[] {
  const open = ownQueues(core);
  if (core.queues.size <= core.pool.capabilityCount) {
    for (const [capability, queue] of core.queues) open.push({ capability, queue, owner: undefined });
    return open;
  }
  for (const capability of core.pool.capabilities()) {
    const queue = core.queues.get(capability);
    if (queue !== undefined) open.push({ capability, queue, owner: undefined });
  }
  return open;
}

function ownQueues(core: Core): OpenQueue[] {
  const open: OpenQueue[] = [];
  for (const [executorId, queues] of core.pinned) {
    const owner = core.executors.get(executorId);
    if (owner === undefined) throw new Error(`tasks wait for ${executorId}, which is not there`);
    for (const [capability, queue] of queues) open.push({ capability, queue, owner });
  }
  return open;
}

interface NextUp {
  readonly queue: ReadyQueue<QueuedTask>;
  readonly executor: Executor;
}

/** Takes out of `open` what is empty or has no executor with room: by starts alone, neither changes back. */
function nextUp(core: Core, open: OpenQueue[]): NextUp | undefined {
  let best: NextUp | undefined;
  let bestTask: QueuedTask | undefined;
  for (let index = 0; index < open.length; ) {
    const { capability, queue, owner } = open[index] as OpenQueue;
    const task = queue.peek();
    if (task !== undefined && bestTask !== undefined && !hasTurnBefore(task, bestTask)) {
      index += 1;
      continue;
    }
    const executor = task === undefined ? undefined : roomIn(core, capability, owner);
    if (executor === undefined) {
      const last = open.pop() as OpenQueue;
      if (index < open.length) open[index] = last;
      continue;
    }
    best = { queue, executor };
    bestTask = task;
    index += 1;
  }
  return best;
}

function roomIn(core: Core, capability: string, owner: Executor | undefined): Executor | undefined {
  if (owner === undefined) return core.pool.choose(capability);
  return roomFor(owner, capability) > 0 ? owner : undefined;
}

function start(core: Core, queue: ReadyQueue<QueuedTask>, executor: Executor): 'STARTED' | 'REFUSED' {
  const { run, task } = queue.take() as QueuedTask;
  run.queued[task] = 0;
  run.otherQueues?.delete(task);
  const capability = capabilityOf(run.state, task);
  closeIfEmpty(core, run.pins?.get(task) ?? '', capability);
  run.pins?.delete(task);
  const oversized = oversizedResult(run.state, task);
  if (oversized !== undefined) {
    core.apply(run, { type: 'RefuseAssignment', task, ...oversized });
    return 'REFUSED';
  }
  const shown = shownTo(core, run.state, task);
  const sizeBytes = assignmentSizeBytes(run.state, task) + (shown?.bytes.length ?? 0);
  const limitBytes = core.options.maxAssignmentBytes;
  if (sizeBytes > limitBytes) {
    core.apply(run, { type: 'RefuseAssignment', task, upstream: undefined, sizeBytes, limitBytes });
    return 'REFUSED';
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
    assignment: assignmentIn(core, run.state, task, shown),
  });
  return 'STARTED';
}
