// graphile-worker on PostgreSQL. Once as it comes, once with what its documentation has for throughput: a local
// queue and completion in batches.

import { Logger, makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import { startAllOrNone } from '../all-or-none.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { inBatches } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { startWorkers } from '../worker-process.ts';
import type { Payload } from './worker.ts';

const WORKERS = 2;
/** Of each worker; its own figures were had with 24 jobs, a pool of 25: worker.graphile.org/docs/performance. */
const MOST_CONCURRENT_JOBS = 24;
const BULK = { batch: 5_000, inFlight: 2 };

interface Variant {
  readonly name: string;
  readonly settings: string;
  readonly worker: GraphileConfig.WorkerOptions;
}

const PLAIN: Variant = { name: 'graphile-worker', settings: 'as it comes', worker: {} };

/** worker.graphile.org/docs/performance#batching, with the values of its "quick stats". */
const BATCHED: Variant = {
  name: 'graphile-worker-batched',
  settings: 'localQueue of 500, completeJobBatchDelay 0',
  worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
};

function graphileWorker(variant: Variant): Peer {
  return {
    name: variant.name,
    settings: `${variant.settings}; ${WORKERS} worker processes of at most ${MOST_CONCURRENT_JOBS} jobs, PostgreSQL synchronous_commit on`,
    durability: 'FSYNC',
    kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain'],
    prepare: async () => (findPostgres() === undefined ? NO_POSTGRES : undefined),
    start: ({ folder, slots }) =>
      startAllOrNone(async (onStop) => {
        const postgres = await startPostgres(folder);
        onStop(() => postgres.stop());
        const connectionString = postgres.url;
        const utils = await makeWorkerUtils({ connectionString, logger: new Logger(() => () => {}) });
        onStop(() => utils.release());
        await utils.migrate();
        const ledger = createLedger();
        const concurrentJobs = Math.min(MOST_CONCURRENT_JOBS, Math.ceil(slots / WORKERS));
        const common = { connectionString, concurrentJobs, maxPoolSize: concurrentJobs + 1 };
        const spec = {
          program: new URL('worker.ts', import.meta.url),
          settings: { worker: { ...common, ...variant.worker } },
          ended: ledger.tell,
          counted: ledger.tellCounted,
        };
        const workers = await startWorkers(WORKERS, spec, onStop);
        const version = `graphile-worker ${versionOf('graphile-worker')}, ${await postgresVersion()}`;
        return {
          version: `${version}, Node ${process.version}`,
          processes: () => [
            { role: 'postgres', pid: postgres.pid, descendants: true },
            ...workers.map(({ pid }) => ({ role: 'workers', pid })),
          ],
          run: (load) => runLoad(utils, ledger, load),
        };
      }),
  };
}

function runLoad(utils: WorkerUtils, ledger: Ledger, load: Load): Promise<Measured> {
  const steps = (payload: Payload) => () => ledger.run((run) => utils.addJob('step', { ...payload, run }));
  return offer(load, {
    flat: (tasks) =>
      ledger.flat(tasks, () =>
        inBatches(tasks, BULK, async (_, size) => {
          const job = { identifier: 'step', payload: { counts: true } };
          await utils.addJobs(Array.from({ length: size }, () => job));
        }),
      ),
    one: steps({}),
    steps: (count, fibo) => steps({ more: count - 1, fibo }),
    // It knows no dependencies: nothing waits for many.
  });
}

export const peers: readonly Peer[] = [graphileWorker(PLAIN), graphileWorker(BATCHED)];
