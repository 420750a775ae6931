// Which metrics are there, and how does each part of the orchestrator feed them? Served as /metrics.
//
// Labels never carry ids of runs, tasks or executors. Names of namespaces and capabilities come from
// outside and are bounded: see label-bound.ts.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CommitObserver } from '../runtime/ports.ts';
import { type AdmissionLoad, createRefusalCounter, registerAdmissionGauges } from './admission-metrics.ts';
import { type EngineGauges, registerEngineGauges } from './engine-gauges.ts';
import { createChildren } from './label-bound.ts';
import { createTaskMetrics } from './task-metrics.ts';

export type { EngineGauges, QueueGauges } from './engine-gauges.ts';

const DEFAULT_LABEL_LIMIT = 1_000;

export interface MetricsOptions {
  /** Unix time. */
  readonly nowMs: () => number;
  /** How many namespaces, capabilities and queues are told apart. Default: 1,000 of each. */
  readonly labelLimit?: number;
  /** The process itself: CPU, memory, event-loop lag, garbage collection. Default: true. */
  readonly processMetrics?: boolean;
}

export interface FinishedCommit {
  readonly events: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

export interface Metrics {
  readonly registry: Registry;
  readonly observer: CommitObserver;
  /** Where gauges of queues, executors and leases come from; called once per scrape. Call it once. */
  observeEngines(snapshot: () => readonly EngineGauges[]): void;
  commitFinished(namespace: string, commit: FinishedCommit): void;
  /** Where the number of open watches comes from; called once per scrape. Call it once. */
  observeWatchers(count: () => number): void;
  /** A watcher took nothing for too long and was cut. */
  watcherCut(): void;
  /** A message came from an executor whose id another one uses too. */
  idShared(): void;
  /** A message of an executor was refused or ignored, by its kind and the reason, of which there are few. */
  messageRefused(kind: string, reason: string): void;
  /** A request for more work was refused for want of `resource`. */
  admissionRefused(resource: string): void;
  /** Where the load comes from that admission goes by; called once per scrape. Call it once. */
  observeAdmission(load: () => AdmissionLoad): void;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const labelLimit = options.labelLimit ?? DEFAULT_LABEL_LIMIT;
  // Includes the lag of the event loop by perf_hooks.monitorEventLoopDelay: nodejs_eventloop_lag_*.
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });

  const commitDuration = new Histogram({
    name: 'tutti_commit_duration_seconds',
    help: 'How long it took to make a commit durable.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const commitEvents = new Histogram({
    name: 'tutti_commit_events',
    help: 'Events in one commit.',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000],
    registers,
  });
  const commitBytes = new Histogram({
    name: 'tutti_commit_bytes',
    help: 'Bytes of the events in one commit.',
    buckets: [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216],
    registers,
  });
  const commitFailures = new Counter({
    name: 'tutti_commit_failures_total',
    help: 'Commits that failed; each one makes its engine load anew.',
    labelNames: ['namespace'],
    registers,
  });
  const watchersCut = new Counter({
    name: 'tutti_watchers_cut_total',
    help: 'Watches that were ended because their reader took nothing for too long.',
    registers,
  });
  const idsShared = new Counter({
    name: 'tutti_executor_ids_shared_total',
    help: 'Messages of executors whose id another executor uses too: their tasks are performed more than once.',
    registers,
  });
  const messagesRefused = new Counter({
    name: 'tutti_executor_messages_refused_total',
    help: 'Messages of executors that were refused or ignored, and reports that were not recorded.',
    labelNames: ['kind', 'reason'],
    registers,
  });
  const failuresOf = createChildren(labelLimit, (namespace) => commitFailures.labels(namespace));

  return {
    registry,
    observer: createTaskMetrics(registry, labelLimit),
    observeEngines: (snapshot) =>
      registerEngineGauges(registry, { snapshot, nowMs: options.nowMs, labelLimit }),
    commitFinished(namespace, commit) {
      if (!commit.ok) {
        failuresOf(namespace).inc();
        return;
      }
      commitDuration.observe(commit.durationMs / 1_000);
      commitEvents.observe(commit.events);
      commitBytes.observe(commit.bytes);
    },
    observeWatchers(count) {
      const watchers: Gauge = new Gauge({
        name: 'tutti_watchers',
        help: 'Open watches.',
        registers,
        collect: () => watchers.set(count()),
      });
    },
    watcherCut: () => watchersCut.inc(),
    idShared: () => idsShared.inc(),
    messageRefused: (kind, reason) => messagesRefused.inc({ kind, reason }),
    admissionRefused: createRefusalCounter(registry),
    observeAdmission: (load) => registerAdmissionGauges(registry, load),
  };
}
