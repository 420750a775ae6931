// How long did it take until an executor that was killed, and that nobody replaced, was known to be lost?

import type { LeaseHistory } from './audit/history.ts';
import type { CycleNote } from './cycle.ts';

export interface Loss {
  readonly executorId: string;
  /** How many attempts it took with it. */
  readonly attempts: number;
  /** From its end to the end of the last of its leases. */
  readonly noticedMs: number;
}

/** Those that held something: nobody could be told of another. */
export function findLosses(
  cycles: readonly CycleNote[],
  leases: Iterable<LeaseHistory>,
  executorId: (index: number) => string,
): readonly Loss[] {
  const all = [...leases];
  return cycles
    .filter(({ fault }) => fault.kind === 'executor killed and gone')
    .flatMap(({ fault, struckAtMs, upAtMs }) => {
      const id = executorId(fault.executor);
      const lost = all.filter(
        ({ executorId, startedAtMs, outcome, endedAtMs = Number.POSITIVE_INFINITY }) =>
          executorId === id && startedAtMs < upAtMs && endedAtMs > struckAtMs && outcome?.end === 'LOST',
      );
      if (lost.length === 0) return [];
      const lastEndMs = Math.max(...lost.map(({ endedAtMs = Number.POSITIVE_INFINITY }) => endedAtMs));
      return [{ executorId: id, attempts: lost.length, noticedMs: lastEndMs - struckAtMs }];
    });
}
