// What came out over all rounds? Medians and spreads, by contestant and part.

import type { Outcome } from '../compare.ts';
import { median, round } from '../measure.ts';
import type { Durability } from '../peers/peer.ts';
import type { Headline, Part, Percentiles } from '../round/part.ts';
import type { SystemCalls } from '../round/system-calls.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface PartSummary {
  readonly name: string;
  readonly headline: Headline;
  readonly tasksPerSecond: Spread;
  readonly runsPerSecond: Spread;
  /** The medians over the rounds of each round's percentile; `spread` is that of the p50. */
  readonly startedMs?: Percentiles & { readonly spread: Spread };
  readonly completedMs?: Percentiles & { readonly spread: Spread };
  /** By role, medians; `all` is their sum in each round. */
  readonly cpuSecondsPer1000Tasks: Readonly<Record<string, number>>;
  readonly peakMegabytes: Readonly<Record<string, number>>;
}

export interface Row {
  readonly contestant: string;
  readonly version: string;
  readonly settings: string;
  readonly durability: {
    readonly claimed: Durability;
    readonly seen: Durability | undefined;
    readonly systemCalls: SystemCalls | undefined;
  };
  readonly rounds: number;
  readonly failedRounds: number;
  readonly idleMegabytes: Readonly<Record<string, number>>;
  readonly parts: readonly PartSummary[];
}

export function summarize(outcomes: readonly Outcome[]): Row[] {
  return outcomes.map(({ entrant: { peer }, systemCalls, rounds, failedRounds }) => ({
    contestant: peer.name,
    version: rounds[0]?.version ?? '',
    settings: peer.settings,
    durability: { claimed: peer.durability, seen: systemCalls?.seen, systemCalls },
    rounds: rounds.length,
    failedRounds,
    idleMegabytes: byRole(rounds.map((each) => each.idleMegabytes)),
    parts: partNames(rounds).map((name) =>
      summarizePart(rounds.flatMap((each) => each.parts.filter((part) => part.name === name))),
    ),
  }));
}

export function partNames(
  rounds: readonly { readonly parts: readonly { readonly name: string }[] }[],
): string[] {
  return [...new Set(rounds.flatMap((each) => each.parts.map((part) => part.name)))];
}

function summarizePart(parts: readonly Part[]): PartSummary {
  const started = percentiles(parts.flatMap((part) => part.startedMs ?? []));
  const completed = percentiles(parts.flatMap((part) => part.completedMs ?? []));
  const perThousand = (part: Part) =>
    Object.fromEntries(
      Object.entries(part.cpuSeconds).map(([role, seconds]) => [role, (seconds * 1_000) / part.tasks]),
    );
  return {
    name: parts[0]?.name ?? '',
    headline: parts[0]?.headline ?? 'tasksPerSecond',
    tasksPerSecond: spread(parts.map((part) => part.tasks / part.seconds)),
    runsPerSecond: spread(parts.map((part) => part.runs / part.seconds)),
    ...(started !== undefined && { startedMs: started }),
    ...(completed !== undefined && { completedMs: completed }),
    cpuSecondsPer1000Tasks: byRole(parts.map(perThousand)),
    peakMegabytes: byRole(parts.map((part) => part.peakMegabytes)),
  };
}

function percentiles(list: readonly Percentiles[]): (Percentiles & { spread: Spread }) | undefined {
  if (list.length === 0) return undefined;
  return {
    p50: digits(median(list.map(({ p50 }) => p50))),
    p99: digits(median(list.map(({ p99 }) => p99))),
    p999: digits(median(list.map(({ p999 }) => p999))),
    spread: spread(list.map(({ p50 }) => p50)),
  };
}

function byRole(list: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  if (list.length === 0) return {};
  const roles = [...new Set(list.flatMap((each) => Object.keys(each)))];
  const sums = list.map((each) => Object.values(each).reduce((sum, value) => sum + value, 0));
  const medians = roles.map((role) => [role, digits(median(list.map((each) => each[role] ?? 0)))] as const);
  return { ...Object.fromEntries(medians), all: digits(median(sums)) };
}

function spread(values: readonly number[]): Spread {
  return {
    median: digits(median(values)),
    min: digits(Math.min(...values)),
    max: digits(Math.max(...values)),
  };
}

/** Four that count, or all before the point. */
function digits(value: number): number {
  if (!Number.isFinite(value)) return value;
  return Math.abs(value) >= 1_000 ? round(value, 0) : Number(value.toPrecision(4));
}
