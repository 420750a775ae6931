// The heart of the engine: applies commands to runs and keeps queues, leases and timers in step with
// the events that come of it.
//
// Invariants, each restored before apply() returns:
//  E1  A task is counted in a ready queue exactly while it is READY and its run is not paused.
//  E2  A lease is alive exactly while its task is RUNNING with the attempt it was given for, and that
//      attempt has not brought a result that is being checked.
//  E3  A task's timer is set to the earliest of its deadlines, and to nothing if it has none.
//  E4  A run is registered exactly while it is not final.
//  E5  Every event is in the output, in the order of its revision, exactly once.

import { apply as applyToRun } from '../domain/apply.ts';
import type { RunCommand } from '../domain/commands.ts';
import { nextDueAtMs, nextRunDueAtMs } from '../domain/due.ts';
import type { RunEvent, TasksAdded } from '../domain/events.ts';
import { firstAdded } from '../domain/growth.ts';
import { capabilityOf } from '../domain/lookup.ts';
import { readyInOrder } from '../domain/pause.ts';
import type { Result } from '../domain/rejection.ts';
import { isFinalRun } from '../domain/states.ts';
import { turnsFrom } from '../domain/way-ahead.ts';
import { createExecutorPool, type ExecutorPool } from '../scheduling/executor-pool.ts';
import { createTimers, type Timers } from '../scheduling/timers.ts';
import {
  type ActiveRun,
  createActiveRun,
  makeRoom,
  queuedTask,
  type RunTask,
  type TimerSubject,
} from './active-run.ts';
import { type Aftermath, settleAftermath } from './children.ts';
import { endOfLease } from './end-of-lease.ts';
import type { Executor } from './executor.ts';
import type { Cancellation } from './inputs.ts';
import { createLeases, type Lease, type Leases } from './leases.ts';
import type { EngineOptions } from './options.ts';
import { createOutputBuffer, type OutputBuffer } from './output-buffer.ts';
import { discount, pinOf, type Queues, queueFor } from './queues.ts';

export interface Core {
  readonly options: EngineOptions;
  /** The engine's time: never goes back. */
  nowMs: number;
  /** Of the latest event. */
  revision: number;
  readonly runs: Map<string, ActiveRun>;
  /** Tasks of active runs, whatever their state. */
  activeTasks: number;
  /** Of tasks for anyone, by capability. */
  readonly queues: Queues;
  /** Of tasks that a manager chose an executor for, by that; only executors that are there. */
  readonly pinned: Map<string, Queues>;
  readonly leases: Leases;
  readonly executors: Map<string, Executor>;
  readonly pool: ExecutorPool<Executor>;
  readonly timers: Timers<TimerSubject>;
  readonly output: OutputBuffer;
  /** Decides, evolves, follows up; the events are in the output and everything is in step with them. */
  apply(run: ActiveRun, command: RunCommand, cause?: LeaseCause): Result<readonly RunEvent[]>;
  /** Takes a run in that has just been submitted, with its first events, or that was loaded. */
  admit(run: ActiveRun['state'], events: readonly RunEvent[]): ActiveRun;
  enqueue(run: ActiveRun, task: number): void;
  /** Tasks that were taken out of their queues without being started: those that are still READY get their old places. */
  readmit(waiting: readonly RunTask[]): void;
  armTask(run: ActiveRun, task: number): void;
  armRun(run: ActiveRun): void;
  /** How long nobody could be heard since the last sign of life of the task's attempt. */
  deafMs(run: ActiveRun, task: number): number;
}

/** Why a lease ends other than by the engine's own decision: then its executor need not be told. */
export interface LeaseCause {
  readonly lease: Lease;
  readonly status: 'RECORDED' | 'STALE';
}

export function createCore(options: EngineOptions, latestRevision: number): Core {
  const aftermath: Aftermath[] = [];
  let settling = false;
  const core: Core = {
    options,
    nowMs: 0,
    revision: latestRevision,
    runs: new Map(),
    activeTasks: 0,
    queues: new Map(),
    pinned: new Map(),
    leases: createLeases(),
    executors: new Map(),
    pool: createExecutorPool(),
    timers: createTimers(),
    output: createOutputBuffer(),
    apply,
    admit,
    enqueue,
    readmit,
    armTask,
    armRun,
    deafMs,
  };

  function apply(run: ActiveRun, command: RunCommand, cause?: LeaseCause): Result<readonly RunEvent[]> {
    const result = applyToRun(run.state, command, core.nowMs, core.revision + 1);
    if (result.ok) absorb(run, result.value, cause);
    settle();
    return result;
  }

  function admit(state: ActiveRun['state'], events: readonly RunEvent[]): ActiveRun {
    const run = createActiveRun(state);
    core.runs.set(state.runId, run);
    core.activeTasks += state.tasks.length - countAdded(events); // Those are counted with their event.
    absorb(run, events, undefined);
    settle();
    return run;
  }

  /** Only the outermost of nested calls does it: what it brings is gathered, too. */
  function settle(): void {
    if (settling || aftermath.length === 0) return;
    settling = true;
    settleAftermath(core, aftermath);
    settling = false;
  }

  function absorb(run: ActiveRun, events: readonly RunEvent[], cause: LeaseCause | undefined): void {
    for (const event of events) {
      core.revision = event.revision;
      core.output.record(run.state, event);
      const change = event.change;
      switch (change.type) {
        case 'RunSubmitted':
          enqueueFrom(run, 0, event.revision);
          armRun(run);
          break;
        case 'TasksAdded':
          takeAdded(run, change, event.revision);
          break;
        case 'TaskReady':
          enqueue(run, change.task);
          armTask(run, change.task);
          break;
        case 'TaskStarted':
        case 'TaskProgressed':
        case 'TaskSkipped':
        case 'TaskExpanded':
          armTask(run, change.task);
          break;
        case 'TaskHeld':
        case 'TaskDependenciesChanged':
          armTask(run, change.task);
          armRun(run);
          break;
        case 'TaskCancelling':
          tellToStop(run, change.task, { reason: cancelReason(change.reason), graceMs: change.graceMs });
          armTask(run, change.task);
          break;
        case 'TaskRetrying':
        case 'TaskRepeating':
        case 'TaskSentBack':
        case 'TaskValidating':
        case 'TaskReset':
        case 'TaskCompleted':
        case 'TaskFailed':
        case 'TaskCancelled':
          dequeue(run, change.task);
          endLeaseOf(run, change, cause);
          armTask(run, change.task);
          break;
        case 'RunPaused':
          for (const task of readyInOrder(run.state)) {
            dequeue(run, task);
            armTask(run, task);
          }
          break;
        case 'RunResumed':
          resume(run);
          break;
        case 'RunRestarted':
          armRun(run);
          break;
        case 'RunCancelling':
        case 'RunSignalled':
        case 'RunCompensating':
        case 'TaskRouted':
        case 'TaskSignalled':
          break;
        case 'RunCompleted':
        case 'RunFailed':
        case 'RunCancelled':
          retire(run);
          break;
      }
    }
  }

  function takeAdded(run: ActiveRun, change: TasksAdded, revision: number): void {
    core.activeTasks += change.specs.length;
    makeRoom(run);
    enqueueFrom(run, firstAdded(run.state.graph, change), revision);
  }

  /** Those that were READY with the event itself; others may be by a later one, which says so itself. */
  function enqueueFrom(run: ActiveRun, first: number, revision: number): void {
    const { graph, tasks } = run.state;
    const turns = turnsFrom(graph, first);
    for (let index = first; index < tasks.length; index++) {
      const task = turns?.[index - first] ?? index;
      if (tasks[task]?.readyRevision !== revision) continue;
      enqueue(run, task);
      armTask(run, task);
    }
  }

  function enqueue(run: ActiveRun, task: number): void {
    if (!waitsToStart(run, task)) return;
    const capability = capabilityOf(run.state, task);
    const executorId = pinOf(core, run, task, capability);
    noteQueue(run, task, executorId, capability);
    queueFor(core, executorId, capability).push(queuedTask(run, task));
  }

  function readmit(waiting: readonly RunTask[]): void {
    const places = waiting
      .filter(({ run, task }) => waitsToStart(run, task))
      .map(({ run, task }) => {
        const capability = capabilityOf(run.state, task);
        return { run, task, capability, executorId: pinOf(core, run, task, capability) };
      });
    // No id and no capability contains a space.
    const groups = Map.groupBy(places, ({ executorId, capability }) => `${executorId} ${capability}`);
    for (const group of groups.values()) {
      const [{ executorId, capability }] = group as [(typeof places)[number]];
      queueFor(core, executorId, capability).readmit(group.map(({ run, task }) => queuedTask(run, task)));
      for (const { run, task } of group) noteQueue(run, task, executorId, capability);
    }
  }

  function resume(run: ActiveRun): void {
    if (run.state.paused) return;
    const ready = readyInOrder(run.state);
    readmit(ready.map((task) => ({ run, task })));
    for (const task of ready) armTask(run, task);
  }

  /** A task that leaves READY without being started. Starting takes the entry itself. */
  function dequeue(run: ActiveRun, task: number): void {
    if (run.queued[task] !== 1) return;
    run.queued[task] = 0;
    const capability = run.otherQueues?.get(task) ?? run.state.graph.spec.tasks[task]?.capability ?? '';
    run.otherQueues?.delete(task);
    const executorId = run.pins?.get(task) ?? '';
    run.pins?.delete(task);
    discount(core, executorId, capability);
  }

  function tellToStop(run: ActiveRun, task: number, stop: Omit<Cancellation, 'leaseToken'>): void {
    const token = run.state.tasks[task]?.attempts.at(-1)?.leaseToken;
    const lease = token === undefined ? undefined : core.leases.get(token);
    if (lease !== undefined) cancel(lease, stop);
  }

  function cancel(lease: Lease, stop: Omit<Cancellation, 'leaseToken'>): void {
    core.output.effect({
      type: 'Cancel',
      executorId: lease.executor.executorId,
      capability: lease.capability,
      cancellation: { leaseToken: lease.token, ...stop },
    });
  }

  function endLeaseOf(
    run: ActiveRun,
    change: Parameters<typeof endOfLease>[0],
    cause: LeaseCause | undefined,
  ): void {
    const attempt = run.state.tasks[change.task]?.attempts.at(-1);
    if (attempt === undefined) return;
    const { leaseToken, childRunId, state } = attempt;
    if (childRunId !== '' && state !== 'RUNNING') aftermath.push({ type: 'AttemptEnded', childRunId });
    const lease = core.leases.get(leaseToken);
    if (lease === undefined) return;
    if (cause?.lease === lease) {
      core.leases.end(lease, cause.status);
      return;
    }
    core.leases.end(lease, 'STALE');
    const reason = endOfLease(change);
    if (reason !== undefined) cancel(lease, { reason, graceMs: 0 });
  }

  function armTask(run: ActiveRun, task: number): void {
    const dueAtMs = nextDueAtMs(run.state, task, deafMs(run, task));
    let timer = run.taskTimers?.get(task);
    if (timer === undefined) {
      if (dueAtMs === undefined) return;
      timer = core.timers.create({ type: 'Task', run, task });
      run.taskTimers ??= new Map();
      run.taskTimers.set(task, timer);
    }
    core.timers.set(timer, dueAtMs);
    if (dueAtMs === undefined) run.taskTimers?.delete(task);
  }

  function deafMs(run: ActiveRun, task: number): number {
    if (run.state.graph.spec.tasks[task]?.timeouts.heartbeatMs === undefined) return 0;
    const token = run.state.tasks[task]?.attempts.at(-1)?.leaseToken;
    return token === undefined ? 0 : (core.leases.get(token)?.deafMs ?? 0);
  }

  function armRun(run: ActiveRun): void {
    const dueAtMs = nextRunDueAtMs(run.state);
    if (dueAtMs === undefined && run.runTimer === undefined) return;
    run.runTimer ??= core.timers.create({ type: 'Run', run });
    if (run.runTimer.heapIndex >= 0 && run.runTimer.dueAtMs === dueAtMs) return; // As it was.
    core.timers.set(run.runTimer, dueAtMs);
  }

  function retire(run: ActiveRun): void {
    if (!isFinalRun(run.state.phase)) throw new Error(`run ${run.state.runId} is retired but not final`);
    for (const timer of run.taskTimers?.values() ?? []) core.timers.set(timer, undefined);
    run.taskTimers = undefined;
    if (run.runTimer !== undefined) core.timers.set(run.runTimer, undefined);
    core.runs.delete(run.state.runId);
    core.activeTasks -= run.state.tasks.length;
    if (run.state.parent !== undefined) aftermath.push({ type: 'ChildEnded', child: run.state });
  }

  return core;
}

/** READY, not held by a pause, and in no queue. */
function waitsToStart(run: ActiveRun, task: number): boolean {
  return run.state.tasks[task]?.state === 'READY' && !run.state.paused && run.queued[task] !== 1;
}

/** @param executorId whose own queue; empty for everybody's */
function noteQueue(run: ActiveRun, task: number, executorId: string, capability: string): void {
  run.queued[task] = 1;
  if (capability !== run.state.graph.spec.tasks[task]?.capability) {
    run.otherQueues ??= new Map();
    run.otherQueues.set(task, capability);
  }
  if (executorId === '') return;
  run.pins ??= new Map();
  run.pins.set(task, executorId);
}

function countAdded(events: readonly RunEvent[]): number {
  let count = 0;
  for (const { change } of events) if (change.type === 'TasksAdded') count += change.specs.length;
  return count;
}

function cancelReason(reason: string): 'CANCEL_REQUESTED' | 'RUN_ENDING' {
  return reason === 'RUN_ENDING' ? 'RUN_ENDING' : 'CANCEL_REQUESTED';
}
