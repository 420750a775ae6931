// How much of a kind of work goes on at once, and how much waits for its turn?

export interface Gate {
  /** Undefined: too much waits already, and nothing was done. */
  pass<R>(work: () => Promise<R>): Promise<R> | undefined;
}

export function createGate(maxRunning: number, maxWaiting: number): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function run<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next(); // It takes this one's place.
    }
  }

  return {
    pass(work) {
      if (running < maxRunning) {
        running += 1;
        return run(work);
      }
      if (waiting.length >= maxWaiting) return undefined;
      return new Promise<void>((resolve) => waiting.push(resolve)).then(() => run(work));
    },
  };
}
