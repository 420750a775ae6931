// What does a load come to? The same for every contestant, which says only how it does one of each kind.

import { closedLoop, openLoop, type RunOne } from './loops.ts';
import type { Load, Measured } from './peer.ts';

export interface Ways {
  /** Independent tasks; `isKnown`: each such that its own end can be asked for. */
  readonly flat: (tasks: number, isKnown: boolean) => Promise<Measured>;
  /** A run of one task that tells when it began, where the contestant can. */
  readonly one: RunOne;
  /** A run of so many tasks, each after the one before; no-ops, unless each computes fibo(n). */
  readonly steps: (count: number, fibo: number | undefined) => RunOne;
  /** One task, so many, and one after all of them; absent where it has nothing like it. */
  readonly fan?: (width: number) => RunOne;
}

export function offer(load: Load, ways: Ways): Promise<Measured> {
  switch (load.kind) {
    case 'flat-large':
    case 'flat-single':
      return ways.flat(load.tasks, load.kind === 'flat-single');
    case 'latency-serial':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 1 }, ways.one);
    case 'latency-open':
      return openLoop({ ...load, tasksOfARun: 1 }, ways.one);
    case 'three-step': {
      const plan = { runs: load.runs, atOnce: load.atOnce, tasksOfARun: 3 };
      return closedLoop(plan, ways.steps(3, undefined));
    }
    case 'chain': {
      const plan = { runs: load.runs, atOnce: 1, tasksOfARun: load.steps };
      return closedLoop(plan, ways.steps(load.steps, load.fibo));
    }
    case 'fan': {
      if (ways.fan === undefined) throw new Error('a fan is not among what it can do');
      return closedLoop({ runs: load.runs, atOnce: 1, tasksOfARun: load.width + 2 }, ways.fan(load.width));
    }
  }
}
