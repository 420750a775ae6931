// How do the engines stand at the moment of a scrape?

import { Gauge, type Registry } from 'prom-client';
import { OTHER } from './label-bound.ts';

/** A snapshot of one engine. Everything in it is derived from live state; nothing is counted beside it. */
export interface EngineGauges {
  readonly namespace: string;
  readonly queues: readonly QueueGauges[];
  /** Executors with a live session. */
  readonly executors: number;
  readonly slotsTotal: number;
  readonly slotsUsed: number;
  readonly leases: number;
  /** Runs that are not final. */
  readonly activeRuns: number;
}

export interface QueueGauges {
  readonly capability: string;
  readonly depth: number;
  /** Unix time since when the longest waiting task is READY; undefined for an empty queue. */
  readonly oldestReadyAtMs: number | undefined;
}

export interface EngineGaugeOptions {
  readonly snapshot: () => readonly EngineGauges[];
  readonly nowMs: () => number;
  /** Queues and namespaces beyond it are added up under OTHER. */
  readonly labelLimit: number;
}

const OTHER_QUEUES = { namespace: OTHER, capability: OTHER };

export function registerEngineGauges(registry: Registry, options: EngineGaugeOptions): void {
  const gauge = (name: string, help: string, labelNames: string[], collect?: () => void) =>
    new Gauge({ name, help, labelNames, registers: [registry], ...(collect && { collect }) });

  // A scrape collects in the order of registration, each synchronously: the first gauge takes the
  // one snapshot for all of them.
  const depth = gauge('tutti_queue_depth', 'READY tasks.', ['namespace', 'capability'], refresh);
  const age = gauge('tutti_queue_oldest_age_seconds', 'How long the oldest READY task has waited.', [
    'namespace',
    'capability',
  ]);
  const executors = gauge('tutti_executors', 'Executors with a live session.', ['namespace']);
  const slots = gauge('tutti_executor_slots', 'Slots of all executors.', ['namespace']);
  const used = gauge('tutti_executor_slots_used', 'Slots that hold an attempt.', ['namespace']);
  const leases = gauge('tutti_leases', 'Live leases.', ['namespace']);
  const runs = gauge('tutti_runs_active', 'Runs that are not final.', ['namespace']);
  const all = [depth, age, executors, slots, used, leases, runs];

  function refresh(): void {
    for (const each of all) each.reset();
    const nowMs = options.nowMs();
    let queueCount = 0;
    let oldestOtherMs = 0;
    options.snapshot().forEach((engine, index) => {
      const namespace = index < options.labelLimit ? engine.namespace : OTHER;
      executors.inc({ namespace }, engine.executors);
      slots.inc({ namespace }, engine.slotsTotal);
      used.inc({ namespace }, engine.slotsUsed);
      leases.inc({ namespace }, engine.leases);
      runs.inc({ namespace }, engine.activeRuns);
      for (const queue of engine.queues) {
        queueCount += 1;
        const ageMs = queue.oldestReadyAtMs === undefined ? 0 : Math.max(0, nowMs - queue.oldestReadyAtMs);
        const beyond = queueCount > options.labelLimit;
        if (beyond) oldestOtherMs = Math.max(oldestOtherMs, ageMs);
        const labels = beyond ? OTHER_QUEUES : { namespace, capability: queue.capability };
        depth.inc(labels, queue.depth);
        age.set(labels, (beyond ? oldestOtherMs : ageMs) / 1_000);
      }
    });
  }
}
