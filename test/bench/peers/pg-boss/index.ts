// pg-boss on PostgreSQL, with what its documentation has for throughput (batches, bursts) and for latency
// (LISTEN and NOTIFY).

import { PgBoss } from 'pg-boss';
import { nowMs } from '../clock.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { closedLoop, inBatches, openLoop, type RunOne } from '../loops.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { startWorker, type WorkerProcess } from '../worker-process.ts';
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
  async start({ folder, slots, say }) {
    const postgres = await startPostgres(folder);
    const workers: WorkerProcess[] = [];
    const ledger = createLedger();
    const boss = new PgBoss({
      connectionString: postgres.url,
      max: CLIENT_CONNECTIONS,
      useListenNotify: true,
    });
    boss.on('error', (error) => say(`pg-boss: ${error.message}`));
    const stop = async () => {
      await Promise.all(workers.map((worker) => worker.stop()));
      await boss.stop({ graceful: false });
      await postgres.stop();
    };
    try {
      await boss.start();
      await boss.createQueue(QUEUE, { notify: true });
      const batchSize = Math.min(MOST_OF_A_BATCH, Math.ceil(slots / WORKERS / LOCAL_CONCURRENCY));
      for (let index = 0; index < WORKERS; index += 1) {
        const worker = await startWorker({
          program: new URL('worker.ts', import.meta.url),
          settings: { url: postgres.url, queue: QUEUE, batchSize, localConcurrency: LOCAL_CONCURRENCY },
          ended: ledger.tell,
          counted: ledger.tellCounted,
        });
        workers.push(worker);
      }
      return {
        version: `pg-boss ${versionOf('pg-boss')}, ${await postgresVersion()}, Node ${process.version}`,
        processes: () => [
          { role: 'postgres', pid: postgres.pid, descendants: true },
          ...workers.map(({ pid }) => ({ role: 'workers', pid })),
        ],
        run: (load) => runLoad(boss, ledger, load),
        stop,
      };
    } catch (error) {
      await stop();
      throw error;
    }
  },
};

let runNumber = 0;

async function runLoad(boss: PgBoss, ledger: Ledger, load: Load): Promise<Measured> {
  const runSteps = (data: Data): RunOne => {
    return async () => {
      const run = String(++runNumber);
      const end = ledger.end(run);
      await boss.send(QUEUE, { ...data, run });
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
        await boss.insert(
          QUEUE,
          Array.from({ length: size }, () => ({ data: { counts: true } })),
        );
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
      const data = { more: steps - 1, fibo: load.fibo };
      return closedLoop({ runs, atOnce: 1, tasksOfARun: steps }, runSteps(data));
    }
    case 'fan':
      throw new Error('this adapter adds each step from the one before: nothing waits for many');
  }
}

export const peers: readonly Peer[] = [pgBoss];
