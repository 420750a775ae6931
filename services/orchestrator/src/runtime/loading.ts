// How is a namespace loaded, and loaded again, while its store may fail?
//
// It is tried until it works, with growing pauses. Calls wait for it, but not for ever: once it has
// failed a few times in a row they are refused at once, until it has worked.

import type { Clock } from './ports.ts';

const DELAYS_MS = [0, 100, 500, 2_000, 5_000];

export interface Loading {
  /** Tries until `load` has worked; `loaded` takes its result before anybody who waits goes on. */
  begin(): Promise<void>;
  /** Resolves after the first attempt at all, whatever came of it. */
  readonly attempted: Promise<void>;
  /** Resolves with true at the next load; with false if there is none soon, or `signal` is aborted. */
  wait(signal?: AbortSignal): Promise<boolean>;
  /** What was loaded did not hold. */
  failed(): void;
  /** What was loaded holds: the next failure is the first again. */
  succeeded(): void;
  /** Ends the pause under way; nothing is tried any more. */
  stop(): void;
}

export interface LoadingOptions<T> {
  readonly clock: Clock;
  readonly load: () => Promise<T>;
  readonly loaded: (result: T) => void;
  readonly warn: (error: unknown) => void;
}

export function createLoading<T>(options: LoadingOptions<T>): Loading {
  const { clock } = options;
  const attempted = Promise.withResolvers<void>();
  const waiting = new Set<(loaded: boolean) => void>();
  let failures = 0;
  let stopped = false;
  let endPause: (() => void) | undefined;

  function pause(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const revoke = clock.after(delayMs, resolve);
      endPause = () => {
        revoke();
        resolve();
      };
    });
  }

  function answer(loaded: boolean): void {
    for (const resolve of [...waiting]) resolve(loaded);
  }

  async function attempt(): Promise<boolean> {
    try {
      options.loaded(await options.load());
      return true;
    } catch (error) {
      failures += 1;
      options.warn(error);
      return false;
    }
  }

  return {
    attempted: attempted.promise,
    async begin() {
      for (let done = false; !done && !stopped; ) {
        await pause(DELAYS_MS[Math.min(failures, DELAYS_MS.length - 1)] ?? 0);
        if (stopped) break;
        done = await attempt();
        if (done || failures >= DELAYS_MS.length) answer(done);
        attempted.resolve();
      }
      attempted.resolve();
      if (stopped) answer(false);
    },
    wait(signal) {
      if (stopped || signal?.aborted || failures >= DELAYS_MS.length) return Promise.resolve(false);
      return new Promise((resolve) => {
        const end = (loaded: boolean): void => {
          waiting.delete(end);
          signal?.removeEventListener('abort', giveUp);
          resolve(loaded);
        };
        const giveUp = (): void => end(false);
        waiting.add(end);
        signal?.addEventListener('abort', giveUp);
      });
    },
    failed() {
      failures += 1;
    },
    succeeded() {
      failures = 0;
    },
    stop() {
      stopped = true;
      endPause?.();
    },
  };
}
