// In which order is it measured? Warming up, the peak, the overload, and then the account of every run that was
// acknowledged.

import { type Cost, measure } from '../bench/measure.ts';
import type { Stack } from '../support/stack.ts';
import { findUnended } from './account.ts';
import { closedLoop, type Load, newTally, openLoop, pause, settle, type Tally } from './load.ts';
import { bePolite, type PoliteView } from './polite.ts';
import { followProgress, type Look, metricsOf, type Progress, rateOf, sumOf } from './progress.ts';
import { openRawConnection } from './raw-connection.ts';
import { prepareSubmissions } from './submissions.ts';

export interface OverloadPlan {
  readonly peakMs: number;
  readonly overloadMs: number;
  /** How many times the peak is offered. */
  readonly times: number;
  readonly runsPerCall: number;
  readonly connections: number;
  readonly say: (line: string) => void;
}

export interface Found {
  readonly plan: OverloadPlan;
  readonly peakLooks: readonly Look[];
  readonly overloadLooks: readonly Look[];
  readonly overload: Tally;
  readonly offeredCallsPerSecond: number;
  readonly peakCost: Cost;
  readonly cost: Cost;
  readonly polite: PoliteView;
  /** Refusals by what there was too much of. */
  readonly refusedFor: Readonly<Record<string, number>>;
  readonly acknowledgedRuns: number;
  /** Acknowledged, and not COMPLETED in the end. */
  readonly lostRuns: readonly string[];
  readonly lostAttempts: number;
}

const WARM_UP_MS = 4_000;
/** So many runs under way keep every slot busy, and the queue short. */
const ACTIVE_RUNS = 3_000;
const SETTLE_MS = 10_000;
const RESOURCES = ['ready_tasks', 'pending_tasks', 'pending_bytes', 'commit_delay', 'loop_delay', 'memory'];

export async function measureOverload(stack: Stack, plan: OverloadPlan): Promise<Found> {
  const { say } = plan;
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, () => openRawConnection(stack.addresses.grpc)),
  );
  const load = { connections, submissions: prepareSubmissions(stack.addresses.grpc, plan.runsPerCall) };
  const progress = await followProgress(stack);

  const before = newTally();
  say(`overload: the most that can be done, ${ACTIVE_RUNS} runs under way at a time`);
  const { peakLooks, peakCost } = await measurePeak(stack, load, before, progress, plan.peakMs);
  const peak = rateOf(peakLooks);
  say(
    `overload: ${Math.round(peak)} runs/s; now ${plan.times} times that is offered for ${plan.overloadMs / 1_000} s`,
  );

  const offeredCallsPerSecond = (peak * plan.times) / plan.runsPerCall;
  const overload = newTally();
  const first = progress.looks.length;
  let polite: PoliteView | undefined;
  const cost = await measure(stack, async () => {
    const over = after(plan.overloadMs);
    const view = beAside(stack, over);
    await openLoop(load, overload, offeredCallsPerSecond, over);
    polite = await view;
  });
  const overloadLooks = progress.looks
    .slice(first - 1)
    .filter(({ atMs }) => atMs <= cost.seconds * 1_000 + (progress.looks[first - 1] as Look).atMs);
  await settle(load, SETTLE_MS);
  say('overload: over; waiting until everything that was admitted has ended');
  const { acknowledged, lost } = await findUnended(stack, [...before.answers, ...overload.answers], say);
  const metrics = await metricsOf(stack);
  await progress.stop();
  for (const connection of connections) connection.close();
  return {
    plan,
    peakLooks,
    overloadLooks,
    overload,
    offeredCallsPerSecond,
    peakCost,
    cost,
    polite: polite as PoliteView,
    refusedFor: Object.fromEntries(
      RESOURCES.map((resource) => [
        resource,
        sumOf(metrics, 'tutti_admissions_refused_total', `resource="${resource}"`),
      ]),
    ),
    acknowledgedRuns: acknowledged,
    lostRuns: lost,
    lostAttempts: sumOf(metrics, 'tutti_attempt_failures_total', 'end="LOST"'),
  };
}

async function measurePeak(
  stack: Stack,
  load: Load,
  tally: Tally,
  progress: Progress,
  ms: number,
): Promise<{ readonly peakLooks: readonly Look[]; readonly peakCost: Cost }> {
  const { ended } = progress.latest();
  const endedRuns = () => progress.latest().ended - ended;
  await closedLoop(load, tally, ACTIVE_RUNS, endedRuns, after(WARM_UP_MS));
  const first = progress.looks.length;
  const begun = tally.sent * load.submissions.runsPerCall;
  const peakCost = await measure(stack, () =>
    closedLoop(load, tally, ACTIVE_RUNS, () => endedRuns() - begun, after(ms)),
  );
  return { peakLooks: progress.looks.slice(first), peakCost };
}

function after(ms: number): () => boolean {
  const deadlineMs = performance.now() + ms;
  return () => performance.now() >= deadlineMs;
}

/** Two ordinary clients beside the flood; they begin once it is there. */
async function beAside(stack: Stack, over: () => boolean): Promise<PoliteView> {
  await pause(1_000);
  return bePolite(stack.addresses.grpc, over);
}
