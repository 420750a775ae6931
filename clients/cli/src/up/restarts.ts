// When is a process that died started again? Pure: the caller measures and waits.

export interface RestartPolicy {
  /** The pause before the first restart; each further one is twice as long. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** After so many restarts in a row the process is given up. */
  readonly maxRestarts: number;
  /** A process that lived this long was well: counting begins anew. */
  readonly wellAfterMs: number;
}

export const executorRestartPolicy: RestartPolicy = {
  initialDelayMs: 250,
  maxDelayMs: 30_000,
  maxRestarts: 10,
  wellAfterMs: 60_000,
};

/**
 * Sooner, for everyone waits for it; and fewer: what keeps it from running (a full disk, a file that is
 * broken) seldom goes away by itself, and a person must know.
 */
export const orchestratorRestartPolicy: RestartPolicy = {
  initialDelayMs: 100,
  maxDelayMs: 5_000,
  maxRestarts: 5,
  wellAfterMs: 60_000,
};

export interface Restarts {
  /** The pause before the process is started again, or undefined if it is given up. */
  afterLife(livedMs: number): number | undefined;
}

export function createRestarts(policy: RestartPolicy): Restarts {
  let inARow = 0;
  return {
    afterLife(livedMs) {
      if (livedMs >= policy.wellAfterMs) inARow = 0;
      if (inARow >= policy.maxRestarts) return undefined;
      const delayMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** inARow);
      inARow += 1;
      return delayMs;
    },
  };
}
