// Was what docs/overload.md promises kept? One line each, with the figures.

import { percentile } from '../bench/measure.ts';
import type { Found } from './measure-overload.ts';
import { spread } from './polite.ts';
import { type Look, rateOf } from './progress.ts';

const LEAST_SHARE = 0.8;
/**
 * How much the orchestrator's memory may grow by in the overload, on what it had at the peak: a queue of some
 * 40,000 runs, and the garbage of 10,000 a second. What bounds it wherever the heap is small is memory.test.ts's.
 */
const MOST_GROWTH_BYTES = 1_024 * 1_024 * 1_024;
const MEDIAN_REFUSAL_MS = 500;
const RESOURCE_EXHAUSTED = 8;

interface Line {
  readonly what: string;
  readonly found: string;
  /** Undefined: told, not judged. */
  readonly kept?: boolean;
}

/** True if all of it was kept. */
export function show(found: Found, say: (line: string) => void): boolean {
  const lines = [...ratesOf(found), ...refusalsOf(found), ...restOf(found)];
  const width = Math.max(...lines.map(({ what }) => what.length));
  for (const { what, found: text, kept } of lines) {
    say(`${kept === undefined ? '      ' : kept ? 'ok    ' : 'NOT   '}${what.padEnd(width)}  ${text}`);
  }
  const isKept = lines.every(({ kept }) => kept !== false);
  say(
    isKept
      ? 'kept: what was admitted went on, and the rest was told when to come again'
      : 'NOT kept: see above',
  );
  return isKept;
}

function ratesOf({
  plan,
  peakLooks,
  overloadLooks,
  overload,
  offeredCallsPerSecond,
  peakCost,
  cost,
}: Found): Line[] {
  const peak = rateOf(peakLooks);
  const under = rateOf(overloadLooks);
  const offered = offeredCallsPerSecond * plan.runsPerCall;
  const made = ((overload.sent + overload.heldBack) * plan.runsPerCall * 1_000) / plan.overloadMs;
  return [
    { what: 'peak, closed loop', found: `${Math.round(peak)} runs/s completed` },
    {
      what: 'offered',
      found: `${Math.round(offered)} runs/s in calls of ${plan.runsPerCall}; ${Math.round(made)} came about`,
      kept: made >= 0.9 * offered,
    },
    {
      what: 'completed under overload',
      found: `${Math.round(under)} runs/s, ${((100 * under) / peak).toFixed(0)} % of the peak`,
      kept: under >= LEAST_SHARE * peak,
    },
    { what: 'second by second', found: secondsOf(overloadLooks).join(' ') },
    { what: 'CPU at the peak, cores', found: cpuOf(peakCost) },
    { what: 'CPU under overload, cores', found: cpuOf(cost) },
    {
      what: 'runs in a CPU second of it',
      found: `${Math.round(peak / coresOf(peakCost))} at the peak, ${Math.round(under / coresOf(cost))} under overload`,
    },
  ];
}

/** What completed in each second. */
function secondsOf(looks: readonly Look[]): readonly number[] {
  const rates: number[] = [];
  let first = looks[0];
  for (const look of looks) {
    if (first === undefined || look.atMs - first.atMs < 1_000) continue;
    rates.push(Math.round(rateOf([first, look])));
    first = look;
  }
  return rates;
}

/** Of the orchestrator: what it does with the time that it is given, whatever else the machine does. */
function coresOf({ cpuSeconds, seconds }: Found['cost']): number {
  return (cpuSeconds.orchestrator ?? 0) / seconds;
}

function cpuOf({ cpuSeconds, seconds }: Found['cost']): string {
  return Object.entries(cpuSeconds)
    .map(([name, used]) => `${name} ${(used / seconds).toFixed(2)}`)
    .join(', ');
}

function refusalsOf({ overload, polite, refusedFor }: Found): Line[] {
  const refused = overload.byStatus.get(RESOURCE_EXHAUSTED) ?? 0;
  const others = [...overload.byStatus].filter(([status]) => status !== 0 && status !== RESOURCE_EXHAUSTED);
  return [
    {
      what: 'refused, RESOURCE_EXHAUSTED',
      found: `${refused} of ${overload.sent} calls; ${overload.heldBack} more held back by HTTP/2 itself`,
      kept: refused > 0,
    },
    {
      what: 'for want of',
      found: Object.entries(refusedFor)
        .flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []))
        .join(', '),
    },
    {
      what: 'failed otherwise',
      found:
        others.length === 0
          ? 'none'
          : others.map(([status, count]) => `status ${status}: ${count}`).join(', '),
      kept: others.length === 0,
    },
    { what: 'time to a refusal, flood', found: spread(overload.refusedMs) },
    {
      what: 'time to a refusal, bystander',
      found: spread(polite.refusedMs),
      kept: percentile(polite.refusedMs, 0.5) <= MEDIAN_REFUSAL_MS,
    },
    {
      what: 'refusals with reason and hint',
      found: `${polite.wellRefused} of ${polite.refused}; hints: ${spread(polite.hintsMs)}`,
      kept: polite.refused > 0 && polite.wellRefused === polite.refused,
    },
    {
      what: 'SDK that obeys the hint',
      found: `${polite.submitted} submissions, ${spread(polite.submitMs)}${polite.failures
        .map((failure) => `; ${failure}`)
        .slice(0, 3)
        .join('')}`,
      kept: polite.submitted > 0 && polite.failures.length === 0,
    },
  ];
}

function restOf({ peakLooks, overloadLooks, acknowledgedRuns, lostRuns, lostAttempts }: Found): Line[] {
  const before = Math.max(...peakLooks.map(({ rssBytes }) => rssBytes));
  const most = Math.max(...overloadLooks.map(({ rssBytes }) => rssBytes));
  const ready = Math.max(...overloadLooks.map((look) => look.ready));
  return [
    {
      what: 'memory of the orchestrator',
      found: `${megabytes(before)} MB at the peak, at most ${megabytes(most)} MB under overload`,
      kept: most - before <= MOST_GROWTH_BYTES,
    },
    { what: 'longest queue', found: `${ready} ready tasks` },
    {
      what: 'acknowledged runs',
      found: `${acknowledgedRuns}, ${lostRuns.length} of them did not complete${lostRuns
        .slice(0, 3)
        .map((id) => ` ${id}`)
        .join('')}`,
      kept: lostRuns.length === 0,
    },
    { what: 'attempts lost by executors', found: String(lostAttempts), kept: lostAttempts === 0 },
  ];
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}
