// Have all calls ended that a door has under way? For a door that is to close: its calls end by themselves once the
// engines are gone, each with its own last words.

export interface Quiet {
  /** To be told whenever one has ended. */
  ended(): void;
  /** Resolves once there are none, or `enough` is aborted. */
  wait(enough: AbortSignal): Promise<void>;
}

export function createQuiet(count: () => number): Quiet {
  const waiting = new Set<() => void>();
  return {
    ended() {
      if (count() === 0) for (const done of [...waiting]) done();
    },
    wait(enough) {
      if (count() === 0 || enough.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          waiting.delete(done);
          enough.removeEventListener('abort', done);
          resolve();
        };
        waiting.add(done);
        enough.addEventListener('abort', done);
      });
    },
  };
}
