// P5, too: what becomes of a child run once the attempt that it was started for is over.

import { type Check, hold, type Seen } from './check.ts';
import { endOfAttempt } from './take-task.ts';

export function checkChildren({ ledger }: Seen): Check {
  /** Runs whose attempt has ended in the commit that is being taken in. */
  const orphans = new Set<string>();

  return {
    before({ fact, task }) {
      if (task === undefined || task.childRunId === '') return;
      if (endOfAttempt(fact, task) !== undefined) orphans.add(task.childRunId);
    },
    see(observation) {
      if (observation.type !== 'Durable' || orphans.size === 0) return;
      const { namespace } = observation.batch;
      const { runIds } = ledger.of(namespace);
      for (const runId of orphans) {
        hold('P5.10', runIds.get(runId)?.phase !== 'RUNNING', () => {
          return `${namespace}: run ${runId} is RUNNING, and the attempt that it was started for is over`;
        });
      }
      orphans.clear();
    },
  };
}
