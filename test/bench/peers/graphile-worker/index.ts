// graphile-worker on PostgreSQL. Once as it comes, once with what its documentation has for throughput: a local
// queue and completion in batches.

import { Logger, makeWorkerUtils, type WorkerUtils } from 'graphile-worker';
import { nowMs } from '../clock.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { closedLoop, inBatches, openLoop, type RunOne } from '../loops.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { startWorker, type WorkerProcess } from '../worker-process.ts';
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
    async start({ folder, slots }) {
      const postgres = await startPostgres(folder);
      const workers: WorkerProcess[] = [];
      const ledger = createLedger();
      let utils: WorkerUtils | undefined;
      const stop = async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
        await utils?.release();
        await postgres.stop();
      };
      try {
        utils = await makeWorkerUtils({ connectionString: postgres.url, logger: new Logger(() => () => {}) });
        await utils.migrate();
        const concurrentJobs = Math.min(MOST_CONCURRENT_JOBS, Math.ceil(slots / WORKERS));
        const common = { connectionString: postgres.url, concurrentJobs, maxPoolSize: concurrentJobs + 1 };
        for (let index = 0; index < WORKERS; index += 1) {
          const worker = await startWorker({
            program: new URL('worker.ts', import.meta.url),
            settings: { worker: { ...common, ...variant.worker } },
            ended: ledger.tell,
            counted: ledger.tellCounted,
          });
          workers.push(worker);
        }
        const version = `graphile-worker ${versionOf('graphile-worker')}, ${await postgresVersion()}`;
        const live = utils;
        return {
          version: `${version}, Node ${process.version}`,
          processes: () => [
            { role: 'postgres', pid: postgres.pid, descendants: true },
            ...workers.map(({ pid }) => ({ role: 'workers', pid })),
          ],
          run: (load) => runLoad(live, ledger, load),
          stop,
        };
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

let runNumber = 0;

async function runLoad(utils: WorkerUtils, ledger: Ledger, load: Load): Promise<Measured> {
  const runSteps = (payload: Payload): RunOne => {
    return async () => {
      const run = String(++runNumber);
      const end = ledger.end(run);
      await utils.addJob('step', { ...payload, run });
      return await end;
    };
  };
  switch (load.kind) {
    case 'flat-large':
    case 'flat-single': {
      const { tasks } = load;
      const beganMs = nowMs();
      const all = ledger.counted(tasks);
      await inBatches(tasks, BULK, async (_, size) => {
        const job = { identifier: 'step', payload: { counts: true } };
        await utils.addJobs(Array.from({ length: size }, () => job));
      });
      await all;
      return { seconds: (nowMs() - beganMs) / 1_000, runs: tasks, tasks };
    }
    case 'latency-serial':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 1 }, runSteps({}));
    case 'latency-open':
      return openLoop({ ...load, tasksOfARun: 1 }, runSteps({}));
    case 'three-step':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 3 }, runSteps({ more: 2 }));
    case 'chain': {
      const { runs, steps } = load;
      const payload = { more: steps - 1, fibo: load.fibo };
      return closedLoop({ runs, atOnce: 1, tasksOfARun: steps }, runSteps(payload));
    }
    case 'fan':
      throw new Error('graphile-worker knows no dependencies: nothing waits for many');
  }
}

export const peers: readonly Peer[] = [graphileWorker(PLAIN), graphileWorker(BATCHED)];
