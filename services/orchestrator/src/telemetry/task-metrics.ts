// What do the committed events say about runs and tasks, in numbers?
//
// The hot path of telemetry: every event passes here. Label children are looked up once per event
// and counts are added once per commit; prom-client builds a string for each of its calls.

import type { Registry } from 'prom-client';
import type { Change } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { firstAdded } from '../domain/growth.ts';
import { firstState } from '../domain/initial.ts';
import { capabilityOf } from '../domain/lookup.ts';
import type { RunState } from '../domain/state.ts';
import type { CommitObserver, CommittedEvent } from '../runtime/ports.ts';
import { createChildren } from './label-bound.ts';
import {
  createCapabilityChildren,
  createNamespaceTallies,
  type NamespaceTally,
  TASK_STATES,
} from './task-families.ts';

export function createTaskMetrics(registry: Registry, labelLimit: number): CommitObserver {
  const namespaceOf = createChildren(labelLimit, createNamespaceTallies(registry));
  const capabilityOf = createChildren(labelLimit, createCapabilityChildren(registry));

  function observeEnd(run: RunState, task: number, attempt: number, atMs: number): void {
    const status = run.tasks[task]?.attempts[attempt - 1];
    if (status === undefined) return;
    capabilityOf(capabilityName(run, task)).executionTime.observe(
      Math.max(0, atMs - status.startedAtMs) / 1_000,
    );
  }

  /** By then the task may be READY again; its time of readiness is then that of a later attempt. */
  function observeStart(run: RunState, task: number, atMs: number): void {
    const readyAtMs = run.tasks[task]?.readyAtMs;
    if (readyAtMs === undefined || readyAtMs > atMs) return;
    capabilityOf(capabilityName(run, task)).timeToStart.observe((atMs - readyAtMs) / 1_000);
  }

  function observeChange(tally: NamespaceTally, run: RunState, change: Change, atMs: number): void {
    switch (change.type) {
      case 'RunSubmitted':
        tally.submitted += 1;
        enterFirst(tally, change.graph, 0, change.graph.spec.tasks.length);
        return;
      case 'TasksAdded':
        enterFirst(tally, run.graph, firstAdded(run.graph, change), change.specs.length);
        return;
      case 'RunCompleted':
        tally.ended.COMPLETED.inc(1);
        return;
      case 'RunFailed':
        tally.ended.FAILED.inc(1);
        tally.runFailed(change.reason);
        return;
      case 'RunCancelled':
        tally.ended.CANCELLED.inc(1);
        return;
      case 'TaskReady':
        tally.entered.READY += 1;
        return;
      case 'TaskStarted':
        tally.entered.RUNNING += 1;
        observeStart(run, change.task, atMs);
        return;
      case 'TaskRetrying': {
        tally.entered.RETRYING += 1;
        const capability = capabilityOf(capabilityName(run, change.task));
        capability.retried.inc();
        capability.ended[change.end].inc();
        observeEnd(run, change.task, change.attempt, atMs);
        return;
      }
      case 'TaskCompleted':
        tally.entered.COMPLETED += 1;
        observeEnd(run, change.task, change.attempt, atMs);
        return;
      case 'TaskFailed': {
        tally.entered.FAILED += 1;
        const capability = capabilityOf(capabilityName(run, change.task));
        capability.failed(change.reason);
        if (change.ended === undefined) return;
        capability.ended[change.ended.end].inc();
        observeEnd(run, change.task, change.ended.attempt, atMs);
        return;
      }
      case 'TaskCancelled':
        tally.entered.CANCELLED += 1;
        if (change.attempt !== undefined) observeEnd(run, change.task, change.attempt, atMs);
        return;
      case 'TaskSkipped':
        tally.entered.SKIPPED += 1;
        return;
      case 'TaskRepeating':
        tally.entered.RETRYING += 1;
        observeEnd(run, change.task, change.attempt, atMs);
        return;
      case 'TaskSentBack':
        tally.entered.WAITING += 1;
        observeEnd(run, change.task, change.attempt, atMs);
        return;
      case 'TaskReset':
        tally.entered.WAITING += 1;
        return;
      case 'RunCancelling':
      case 'RunPaused':
      case 'RunResumed':
      case 'RunSignalled':
      case 'RunRestarted':
      case 'RunCompensating':
      case 'TaskHeld':
      case 'TaskExpanded':
      case 'TaskSignalled':
      case 'TaskValidating':
      case 'TaskDependenciesChanged':
      case 'TaskProgressed':
      case 'TaskCancelling':
      case 'TaskRouted':
        return;
    }
  }

  return {
    committed(namespace: string, events: readonly CommittedEvent[]): void {
      const tally = namespaceOf(namespace);
      for (const { run, event } of events) observeChange(tally, run, event.change, event.atMs);
      flush(tally);
    },
  };
}

function enterFirst(tally: NamespaceTally, graph: Graph, first: number, count: number): void {
  for (let task = first; task < first + count; task += 1) tally.entered[firstState(graph, task)] += 1;
}

function capabilityName(run: RunState, task: number): string {
  return capabilityOf(run, task);
}

function flush(tally: NamespaceTally): void {
  if (tally.submitted > 0) tally.runsSubmitted.inc(tally.submitted);
  tally.submitted = 0;
  for (const state of TASK_STATES) {
    const count = tally.entered[state];
    if (count > 0) tally.transitions[state].inc(count);
    tally.entered[state] = 0;
  }
}
