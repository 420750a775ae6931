// Which process does what happen to, in which order? The same seed gives the same faults in the same order; when
// exactly each strikes is up to the machine.

import { createRandom } from '../simulation/world/random.ts';

/** In the words of the summary. */
export const FAULT_KINDS = [
  'orchestrator killed',
  'orchestrator terminated',
  'orchestrator stopped',
  'orchestrator stopped for longer than a lease',
  'executor killed',
  'executor killed and gone',
  'executor terminated',
  'executor stopped',
  'executor stopped for longer than a lease',
  'nats-server killed',
  'nats-server terminated',
  'nats-server stopped',
  'everything killed',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Which of the executors, from 0; of no meaning for others. */
  readonly executor: number;
  /** How long it is away, or stands still; more than a lease where its kind says so. */
  readonly holdMs: number;
  /** Before it. */
  readonly pauseMs: number;
}

/** How often each comes in one bag. What takes as long as a lease is rare, or 200 cycles would take an hour. */
const BAG: Readonly<Record<FaultKind, number>> = {
  'orchestrator killed': 12,
  'orchestrator terminated': 6,
  'orchestrator stopped': 5,
  'orchestrator stopped for longer than a lease': 1,
  'executor killed': 8,
  'executor killed and gone': 2,
  'executor terminated': 5,
  'executor stopped': 4,
  'executor stopped for longer than a lease': 1,
  'nats-server killed': 8,
  'nats-server terminated': 4,
  'nats-server stopped': 4,
  'everything killed': 3,
};

const MAX_AWAY_MS = 800;
const MAX_STOPPED_MS = 2_500;

export interface FaultsOptions {
  readonly seed: number;
  readonly executorCount: number;
  readonly leaseMs: number;
  /** True: each kind once to a bag, with short pauses, so that a short time has seen them all. */
  readonly evenly?: boolean;
}

/** Without end: one bag of all kinds after the other, each in an order of its own. */
export function* drawFaults({
  seed,
  executorCount,
  leaseMs,
  evenly = false,
}: FaultsOptions): Generator<Fault> {
  const random = createRandom(seed, 'faults');
  for (;;) {
    const bag = FAULT_KINDS.flatMap((kind) => Array<FaultKind>(evenly ? 1 : BAG[kind]).fill(kind));
    while (bag.length > 0) {
      const [kind] = bag.splice(random.below(bag.length), 1) as [FaultKind];
      yield {
        kind,
        executor: random.below(executorCount),
        holdMs: holdOf(kind, leaseMs, random.below(1_000) / 1_000),
        pauseMs: evenly ? random.below(400) : random.between(200, 1_200),
      };
    }
  }
}

function holdOf(kind: FaultKind, leaseMs: number, share: number): number {
  if (kind.endsWith('longer than a lease')) return Math.round(leaseMs * (1.05 + 0.15 * share));
  // Less than a third of a lease: between two heartbeats nobody may be lost for it.
  if (kind.endsWith('stopped')) return Math.round(Math.min(MAX_STOPPED_MS, leaseMs / 3) * share);
  return Math.round(MAX_AWAY_MS * share);
}
