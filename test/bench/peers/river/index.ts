// River on PostgreSQL: jobs of Go programs; one process works them, one inserts them. Once as it comes, completing
// in batches, which is for throughput; once each job in a transaction of its own, which is for latency.

import { join } from 'node:path';
import { startAllOrNone } from '../all-or-none.ts';
import { goBuild } from '../go-program.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { type LineProgram, startLineProgram } from '../line-program.ts';
import type { RunOne } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';

/** Of program/go.mod. */
const RIVER = '0.51.0';

interface Variant {
  readonly name: string;
  readonly settings: string;
  readonly isTransactional: boolean;
}

/** What has returned is completed up to 250 ms later, with others: riverqueue.com/docs, internal/jobcompleter. */
const BATCHED: Variant = {
  name: 'river',
  settings: 'completes in batches, as it comes',
  isTransactional: false,
};

/** riverqueue.com/docs/transactional-job-completion. */
const TRANSACTIONAL: Variant = {
  name: 'river-transactional',
  settings: 'JobCompleteTx in each job',
  isTransactional: true,
};

function river({ name, settings, isTransactional }: Variant): Peer {
  return {
    name,
    settings: `${settings}; one worker process (Go) that fetches every 2 ms at most, InsertManyFast for large submissions, PostgreSQL synchronous_commit on`,
    durability: 'FSYNC',
    // Its workflows, so its fan-in, are River Pro's alone; a step that adds the next one is in the open.
    kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain'],
    async prepare(cache, say) {
      if (findPostgres() === undefined) return NO_POSTGRES;
      return await goBuild(new URL('program/', import.meta.url), join(cache, 'river'), say);
    },
    start: ({ folder, cache, slots }) =>
      startAllOrNone(async (onStop) => {
        const postgres = await startPostgres(folder);
        onStop(() => postgres.stop());
        const ledger = createLedger();
        const start = async (mode: 'work' | 'insert') => {
          const program = await startLineProgram({
            name: `river ${mode}`,
            command: join(cache, 'river'),
            args: [
              ...['-mode', mode, '-url', postgres.url, '-slots', String(slots)],
              ...(isTransactional ? ['-transactional'] : []),
            ],
            line: ledger.tellLine,
          });
          onStop(() => program.stop());
          return program;
        };
        // It migrates the database first.
        const worker = await start('work');
        const inserter = await start('insert');
        return {
          version: `River ${RIVER}, ${await postgresVersion()}`,
          processes: () => [
            { role: 'postgres', pid: postgres.pid, descendants: true },
            { role: 'worker', pid: worker.pid },
            { role: 'load', pid: inserter.pid },
          ],
          run: (load) => Promise.race([runLoad(inserter, ledger, load), worker.failed, inserter.failed]),
        };
      }),
  };
}

function runLoad(inserter: LineProgram, ledger: Ledger, load: Load): Promise<Measured> {
  const steps = (count: number, fibo = 0): RunOne => {
    return () => ledger.run((run) => inserter.write(`run ${run} ${count} ${fibo}`));
  };
  return offer(load, {
    flat: (tasks, isKnown) =>
      ledger.flat(tasks, () => inserter.write(`${isKnown ? 'known' : 'many'} ${tasks}`)),
    one: steps(1),
    steps,
    // Dependencies are not in the open: nothing waits for many.
  });
}

export const peers: readonly Peer[] = [river(BATCHED), river(TRANSACTIONAL)];
