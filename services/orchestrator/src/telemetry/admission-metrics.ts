// What is known of admission? How much there is to do, and whom that kept out.

import { Counter, Gauge, type Registry } from 'prom-client';

export interface AdmissionLoad {
  readonly pendingBytes: number;
  readonly readyTasks: number;
  readonly busy: boolean;
  readonly commitDelayMs: number;
  readonly slow: boolean;
  readonly memoryShare: number;
}

/** Tells of each refusal, by the resource that was short: a few fixed names. */
export function createRefusalCounter(registry: Registry): (resource: string) => void {
  const refused = new Counter({
    name: 'tutti_admissions_refused_total',
    help: 'Requests for more work that were told to come back later, by what there was too much of.',
    labelNames: ['resource'],
    registers: [registry],
  });
  return (resource) => refused.labels(resource).inc();
}

/** @param load asked once per scrape */
export function registerAdmissionGauges(registry: Registry, load: () => AdmissionLoad): void {
  const gauge = (name: string, help: string, collect?: () => void) =>
    new Gauge({ name, help, registers: [registry], ...(collect && { collect }) });
  // The first takes the one look for all: a scrape collects in the order of registration.
  const ready = gauge('tutti_admission_ready_tasks', 'READY tasks that an executor is there for.', refresh);
  const bytes = gauge(
    'tutti_admission_pending_bytes',
    'Of requests for more work that are not answered yet.',
  );
  const busy = gauge('tutti_admission_busy', '1 while the process has had no time to spare for a while.');
  const slow = gauge('tutti_admission_slow', '1 while each turn of the event loop takes too long.');
  const commit = gauge('tutti_admission_commit_delay_seconds', 'How long the commit under way has been so.');
  const memory = gauge('tutti_admission_memory_share', 'Of the memory that the process may have.');

  function refresh(): void {
    const now = load();
    ready.set(now.readyTasks);
    bytes.set(now.pendingBytes);
    busy.set(now.busy ? 1 : 0);
    slow.set(now.slow ? 1 : 0);
    commit.set(now.commitDelayMs / 1_000);
    memory.set(now.memoryShare);
  }
}
