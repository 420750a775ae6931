// Which faults strike, when, and for how long?

import type { Random } from '../world/random.ts';
import type { ExecutorPlan } from './plan.ts';

/** Moments are counted from the beginning of the simulation. */
export interface FaultPlan {
  readonly id: string;
  readonly atMs: number;
  readonly forMs: number;
  readonly kind: FaultKind;
  /** Where one is hit. */
  readonly executorId: string;
  /** Whatever else is to be chosen. */
  readonly choice: number;
}

export const FAULT_KINDS = [
  'LOSSY_NETWORK',
  'PARTITION_TO_EXECUTOR',
  'PARTITION_FROM_EXECUTOR',
  'EXECUTOR_CRASH',
  'EXECUTOR_STALL',
  'EXECUTOR_LEAVE',
  'ORCHESTRATOR_KILL',
  'ORCHESTRATOR_KILL_BEFORE_COMMIT',
  'ORCHESTRATOR_KILL_AFTER_COMMIT',
  'ORCHESTRATOR_KILL_AFTER_PUBLISH',
  'ORCHESTRATOR_STOP',
  'ORCHESTRATOR_REPLACED',
  'POWER_LOSS',
  'EVENT_LOOP_STALL',
  'DISK_FULL',
  'DISK_ERRORS',
  'DISK_READ_ERRORS',
  'DISK_SLOW',
  'UNKNOWN_OUTCOMES',
  'NATS_RESTART',
  'NATS_LAME_DUCK',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

const MAX_FAULTS = 8;

export function drawFaults(
  random: Random,
  untilMs: number,
  executors: readonly ExecutorPlan[],
): readonly FaultPlan[] {
  return Array.from({ length: random.below(MAX_FAULTS + 1) }, (_, index): FaultPlan => {
    const own = random.fork(`f${index}`);
    return {
      id: `f${index}`,
      atMs: own.below(untilMs),
      // Some outlast a lease, most do not.
      forMs: own.chance(0.3) ? own.between(5_000, 30_000) : own.between(10, 5_000),
      kind: own.pick(FAULT_KINDS),
      executorId: executors[own.below(executors.length)]?.executorId ?? '',
      choice: own.below(1_000_000),
    };
  });
}
