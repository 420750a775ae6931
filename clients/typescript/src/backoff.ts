// How long is the pause before the next try?

/** Growing pauses with jitter, so that many who lost the same server do not return in one moment. */
export interface Backoff {
  /** The next pause in milliseconds; each is up to twice as long as the one before. */
  nextMs(): number;
  /** Begins anew after a success. */
  reset(): void;
}

/** Pauses between half of and all of min(maxMs, initialMs * 2^n). */
export function createBackoff(initialMs: number, maxMs: number): Backoff {
  let currentMs = initialMs;
  return {
    nextMs() {
      const pauseMs = currentMs * (0.5 + Math.random() / 2);
      currentMs = Math.min(maxMs, currentMs * 2);
      return pauseMs;
    },
    reset() {
      currentMs = initialMs;
    },
  };
}

/** Resolves after the time, or as soon as the signal is aborted; never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
