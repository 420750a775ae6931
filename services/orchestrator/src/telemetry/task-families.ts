// Which metrics come from the events of runs and tasks? Names, labels and buckets.

import { Counter, Histogram, type Registry } from 'prom-client';
import type { UnsuccessfulEnd } from '../domain/events.ts';
import type { StateReason, TaskState } from '../domain/states.ts';

/** From the latency of an idle system to a task of hours. */
const DURATION_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200,
];

export const TASK_STATES: readonly TaskState[] = [
  'WAITING',
  'READY',
  'RUNNING',
  'RETRYING',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'SKIPPED',
];

type RunEnd = 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** The children of one namespace, and what the commit at hand adds to them. */
export interface NamespaceTally {
  readonly runsSubmitted: { inc(by: number): void };
  readonly transitions: Readonly<Record<TaskState, { inc(by: number): void }>>;
  readonly ended: Readonly<Record<RunEnd, { inc(by: number): void }>>;
  readonly runFailed: (reason: StateReason) => void;
  submitted: number;
  readonly entered: Record<TaskState, number>;
}

/** The children of one capability. */
export interface CapabilityChildren {
  readonly timeToStart: { observe(seconds: number): void };
  readonly executionTime: { observe(seconds: number): void };
  readonly retried: { inc(): void };
  readonly ended: Readonly<Record<UnsuccessfulEnd, { inc(): void }>>;
  readonly failed: (reason: StateReason) => void;
}

export function createNamespaceTallies(registry: Registry): (namespace: string) => NamespaceTally {
  const registers = [registry];
  const submitted = new Counter({
    name: 'tutti_runs_submitted_total',
    help: 'Runs accepted.',
    labelNames: ['namespace'],
    registers,
  });
  const ended = new Counter({
    name: 'tutti_runs_ended_total',
    help: 'Runs that became final, by final state.',
    labelNames: ['namespace', 'state'],
    registers,
  });
  const failed = new Counter({
    name: 'tutti_run_failures_total',
    help: 'Runs that FAILED, by reason.',
    labelNames: ['namespace', 'reason'],
    registers,
  });
  const transitions = new Counter({
    name: 'tutti_task_transitions_total',
    help: 'Tasks that entered a state.',
    labelNames: ['namespace', 'state'],
    registers,
  });
  return (namespace) => ({
    runsSubmitted: submitted.labels(namespace),
    ended: mapOf(['COMPLETED', 'FAILED', 'CANCELLED'], (state) => ended.labels(namespace, state)),
    runFailed: (reason) => failed.labels(namespace, reason).inc(),
    transitions: mapOf(TASK_STATES, (state) => transitions.labels(namespace, state)),
    submitted: 0,
    entered: mapOf(TASK_STATES, () => 0),
  });
}

export function createCapabilityChildren(registry: Registry): (capability: string) => CapabilityChildren {
  const registers = [registry];
  const timeToStart = new Histogram({
    name: 'tutti_task_time_to_start_seconds',
    help: 'From READY to the start of the attempt.',
    labelNames: ['capability'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const executionTime = new Histogram({
    name: 'tutti_attempt_execution_seconds',
    help: 'From the start of an attempt to its end, however it ended.',
    labelNames: ['capability'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const retries = new Counter({
    name: 'tutti_task_retries_total',
    help: 'Attempts that did not succeed and are followed by another.',
    labelNames: ['capability'],
    registers,
  });
  const attemptFailures = new Counter({
    name: 'tutti_attempt_failures_total',
    help: 'Attempts that did not succeed, by how they ended: FAILED, TIMED_OUT or LOST.',
    labelNames: ['capability', 'end'],
    registers,
  });
  const failures = new Counter({
    name: 'tutti_task_failures_total',
    help: 'Tasks that FAILED for good, by reason.',
    labelNames: ['capability', 'reason'],
    registers,
  });
  return (capability) => ({
    timeToStart: timeToStart.labels(capability),
    executionTime: executionTime.labels(capability),
    retried: retries.labels(capability),
    ended: mapOf(['FAILED', 'TIMED_OUT', 'LOST'], (end) => attemptFailures.labels(capability, end)),
    failed: (reason) => failures.labels(capability, reason).inc(),
  });
}

function mapOf<Key extends string, Value>(
  keys: readonly Key[],
  create: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, create(key)])) as Record<Key, Value>;
}
