// pg-boss on PostgreSQL, with what its documentation has for throughput (batches, bursts) and for latency
// (LISTEN and NOTIFY).

import { PgBoss } from 'pg-boss';
import { startAllOrNone } from '../all-or-none.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { inBatches } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { startWorkers } from '../worker-process.ts';
import type { Data } from './worker.ts';

const QUEUE = 'bench';
const WORKERS = 2;
/** Pollers in each process (github.com/timgit/pg-boss, docs/api/workers.md: localConcurrency, batchSize). */
const LOCAL_CONCURRENCY = 2;
const MOST_OF_A_BATCH = 500;
/** Of the submitter: what it has at hand for sends at once. */
const CLIENT_CONNECTIONS = 20;
const BULK = { batch: 5_000, inFlight: 2 };

const pgBoss: Peer = {
  name: 'pg-boss',
  settings:
    `${WORKERS} worker processes, localConcurrency ${LOCAL_CONCURRENCY}, batchSize to ${MOST_OF_A_BATCH}, ` +
    'burstWhenBatchFull, useListenNotify; an end is told before it is written',
  durability: 'FSYNC',
  kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain'],
  prepare: async () => (findPostgres() === undefined ? NO_POSTGRES : undefined),
  start: ({ folder, slots, say }) =>
    startAllOrNone(async (onStop) => {
      const postgres = await startPostgres(folder);
      onStop(() => postgres.stop());
      const boss = new PgBoss({
        connectionString: postgres.url,
        max: CLIENT_CONNECTIONS,
        useListenNotify: true,
      });
      boss.on('error', (error) => say(`pg-boss: ${error.message}`));
      onStop(() => boss.stop({ graceful: false }));
      await boss.start();
      await boss.createQueue(QUEUE, { notify: true });
      const ledger = createLedger();
      const batchSize = Math.min(MOST_OF_A_BATCH, Math.ceil(slots / WORKERS / LOCAL_CONCURRENCY));
      const spec = {
        program: new URL('worker.ts', import.meta.url),
        settings: { url: postgres.url, queue: QUEUE, batchSize, localConcurrency: LOCAL_CONCURRENCY },
        ended: ledger.tell,
        counted: ledger.tellCounted,
      };
      const workers = await startWorkers(WORKERS, spec, onStop);
      return {
        version: `pg-boss ${versionOf('pg-boss')}, ${await postgresVersion()}, Node ${process.version}`,
        processes: () => [
          { role: 'postgres', pid: postgres.pid, descendants: true },
          ...workers.map(({ pid }) => ({ role: 'workers', pid })),
        ],
        run: (load) => runLoad(boss, ledger, load),
      };
    }),
};

function runLoad(boss: PgBoss, ledger: Ledger, load: Load): Promise<Measured> {
  const steps = (data: Data) => () => ledger.run((run) => boss.send(QUEUE, { ...data, run }));
  return offer(load, {
    flat: (tasks) =>
      ledger.flat(tasks, () =>
        inBatches(tasks, BULK, async (_, size) => {
          const jobs = Array.from({ length: size }, () => ({ data: { counts: true } }));
          await boss.insert(QUEUE, jobs);
        }),
      ),
    one: steps({}),
    steps: (count, fibo) => steps({ more: count - 1, fibo }),
    // This adapter adds each step from the one before: nothing waits for many.
  });
}

export const peers: readonly Peer[] = [pgBoss];
