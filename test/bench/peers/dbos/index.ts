// DBOS on PostgreSQL: a library in the application's processes, which run its workflows.

import { setTimeout as pause } from 'node:timers/promises';
import { DBOSClient } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { startAllOrNone } from '../all-or-none.ts';
import { nowMs } from '../clock.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { inBatches, type RunOne } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { findPostgres, NO_POSTGRES, postgresVersion, startPostgres } from '../postgres.ts';
import { startWorkers, type WorkerProcess } from '../worker-process.ts';
import type { Order, Settings } from './worker.ts';

const WORKERS = 2;
const APPLICATION = 'bench';
const QUEUE = 'bench';
/**
 * Its default is a second (minPollingIntervalMs in its wfqueue.d.ts; docs.dbos.dev names no better one). A worker
 * takes as many as it has slots for each time, so this bounds the rate at slots / interval.
 */
const POLLING_INTERVAL_MS = 50;
/** It has no bulk call; many in one transaction are as near as it comes (enqueueInTransaction in its client.d.ts). */
const BATCH = { batch: 500, inFlight: 2 };
/** pg deprecates what DBOS does with it: no news here. */
const QUIET = { NODE_NO_WARNINGS: '1' };
/** How late the end of many is noticed at most. */
const LOOK_INTERVAL_MS = 20;

const dbos: Peer = {
  name: 'dbos',
  settings: `${WORKERS} application processes, queue polled every ${POLLING_INTERVAL_MS} ms, PostgreSQL synchronous_commit on`,
  durability: 'FSYNC',
  kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain', 'fan'],
  prepare: async () => (findPostgres() === undefined ? NO_POSTGRES : undefined),
  start: ({ folder, slots }) =>
    startAllOrNone(async (onStop) => {
      const postgres = await startPostgres(folder);
      onStop(() => postgres.stop());
      const url = new URL('/bench', postgres.url).href;
      const ledger = createLedger();
      const settings: Settings = {
        url,
        application: APPLICATION,
        queue: QUEUE,
        slots: Math.ceil(slots / WORKERS),
        pollingIntervalMs: POLLING_INTERVAL_MS,
      };
      const program = new URL('worker.ts', import.meta.url);
      const workers = await startWorkers(
        WORKERS,
        { program, settings, env: QUIET, ended: ledger.tell },
        onStop,
      );
      const pool = new pg.Pool({ connectionString: url, max: BATCH.inFlight + 1 });
      // PostgreSQL may go away before it does.
      pool.on('error', () => {});
      onStop(() => pool.end());
      const client = await DBOSClient.create({ systemDatabaseUrl: url, applicationName: APPLICATION });
      onStop(() => client.destroy());
      return {
        version: `DBOS ${versionOf('@dbos-inc/dbos-sdk')}, ${await postgresVersion()}, Node ${process.version}`,
        processes: () => [
          { role: 'postgres', pid: postgres.pid, descendants: true },
          ...workers.map(({ pid }) => ({ role: 'workers', pid })),
        ],
        run: (load) => runLoad({ client, pool, workers, ledger }, load),
      };
    }),
};

interface Parts {
  readonly client: DBOSClient;
  readonly pool: pg.Pool;
  readonly workers: readonly WorkerProcess[];
  readonly ledger: Ledger;
}

function runLoad(parts: Parts, load: Load): Promise<Measured> {
  const { workers, ledger } = parts;
  // It is the application that starts workflows, for whoever asks it; this asks as a web server's request would.
  const ask = (orderOf: (run: string) => Order): RunOne => {
    return (index) => ledger.run((run) => workers[index % workers.length]?.send(orderOf(run)));
  };
  return offer(load, {
    flat: (tasks) => flat(parts, tasks),
    one: ask((run) => ({ run, workflow: 'stamped' })),
    steps: (steps, n) => ask((run) => ({ run, workflow: 'chain', steps, n })),
    fan: (width) => ask((run) => ({ run, workflow: 'fan', width })),
  });
}

/** Enqueued in transactions of many; done when none of the queue is left undone. */
async function flat({ client, pool }: Parts, tasks: number): Promise<Measured> {
  const beganMs = nowMs();
  await inBatches(tasks, BATCH, async (_, size) => {
    const connection = await pool.connect();
    try {
      await connection.query('BEGIN');
      for (let index = 0; index < size; index += 1) {
        await client.enqueueInTransaction(connection, { queueName: QUEUE, workflowName: 'noop' });
      }
      await connection.query('COMMIT');
    } finally {
      connection.release();
    }
  });
  while (await isOneUndone(pool)) await pause(LOOK_INTERVAL_MS);
  const { rows } = await pool.query(`SELECT 1 FROM dbos.workflow_status WHERE status <> 'SUCCESS' LIMIT 1`);
  if (rows.length > 0) throw new Error('a workflow did not succeed');
  return { seconds: (nowMs() - beganMs) / 1_000, runs: tasks, tasks };
}

async function isOneUndone(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT 1 FROM dbos.workflow_status WHERE queue_name = $1 AND status IN ('ENQUEUED', 'PENDING') LIMIT 1`,
    [QUEUE],
  );
  return rows.length > 0;
}

export const peers: readonly Peer[] = [dbos];
