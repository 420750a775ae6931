// What does a stretch of work cost each process?

import { type ProcessUse, readUse } from '../support/proc.ts';
import type { Stack } from '../support/stack.ts';

export interface Cost {
  readonly seconds: number;
  /** By process; `load` is this one, `executors` are all of them together. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** How many transactions the orchestrator made durable, each by at least one fsync. */
  readonly commits: number;
}

/** Runs `work` and tells what it cost. */
export async function measure(stack: Stack, work: () => Promise<void>): Promise<Cost> {
  const before = uses(stack);
  const commitsBefore = await readMetric(stack, 'tutti_commit_events_count');
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  const commits = (await readMetric(stack, 'tutti_commit_events_count')) - commitsBefore;
  const after = uses(stack);
  const cpuSeconds = Object.fromEntries(
    Object.keys(after).map((name) => [
      name,
      sum(after[name], 'cpuSeconds') - sum(before[name], 'cpuSeconds'),
    ]),
  );
  return { seconds, cpuSeconds, commits };
}

export function peakRssMegabytes(stack: Stack): Record<string, number> {
  return Object.fromEntries(
    Object.entries(uses(stack)).map(([name, list]) => [name, megabytes(sum(list, 'peakRssBytes'))]),
  );
}

export function rssMegabytes(pid: number): number {
  return megabytes(readUse(pid).rssBytes);
}

/** A metric without labels, from the orchestrator's /metrics. */
export async function readMetric(stack: Stack, name: string): Promise<number> {
  const response = await fetch(new URL('/metrics', stack.addresses.http));
  const line = (await response.text()).split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(line.slice(name.length + 1));
}

function uses(stack: Stack): Record<string, ProcessUse[]> {
  const nats = stack.natsServerPid();
  return {
    orchestrator: [readUse(stack.orchestrator.pid)],
    nats: nats === undefined ? [] : [readUse(nats)],
    executors: stack.executors.map((executor) => readUse(executor.pid)),
    load: [readUse(process.pid)],
  };
}

function sum(list: readonly ProcessUse[] | undefined, field: keyof ProcessUse): number {
  return (list ?? []).reduce((total, use) => total + use[field], 0);
}

function megabytes(bytes: number): number {
  return round(bytes / 1_000_000, 1);
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The smallest value that at least `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[index] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
