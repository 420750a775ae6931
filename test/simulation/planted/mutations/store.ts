// Planted bugs in what the store has to keep to (store/port.ts), in the adapter that simulations run on.

import type { Mutation } from '../mutation.ts';

export const STORE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'fencing-not-checked',
    promise: 2,
    breaks: 'A process that was replaced goes on writing under its old epoch.',
    file: 'store/memory/namespace-data.ts',
    source: 'if (claimed === epoch) return;',
    replacement: 'if (claimed <= epoch) return;',
  },
  {
    name: 'claim-keeps-epoch',
    promise: 2,
    breaks: 'Two processes own a namespace under the same epoch.',
    file: 'store/memory/namespace-data.ts',
    source: 'epoch += 1;\n      return',
    replacement: 'epoch = Math.max(epoch, 1);\n      return',
  },
  {
    name: 'open-run-deleted',
    promise: 8,
    breaks: 'A run that is not over can be deleted, and what it does next has no run any more.',
    file: 'store/memory/namespace-data.ts',
    source: "if (!isFinalRun(phase)) return 'NOT_FINAL';",
    replacement: "if (phase === 'CANCELLING' || phase === 'COMPENSATING') return 'NOT_FINAL';",
  },
  {
    name: 'run-events-read-twice',
    promise: 6,
    breaks: 'The events of a run are read from the revision that was seen on, not from the one after it.',
    file: 'store/memory/namespace-data.ts',
    source: 'event.revision > query.afterRevision);',
    replacement: 'event.revision >= query.afterRevision);',
  },
];
