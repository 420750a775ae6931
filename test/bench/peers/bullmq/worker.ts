// A worker of BullMQ, in a process of its own: takes jobs, tells which runs have ended.

import { Worker } from 'bullmq';
import { nowMs } from '../clock.ts';
import { fibo } from '../fibo.ts';
import { tellCounted, tellEnded, workerReady, workerSettings } from '../worker-side.ts';

export interface Job {
  /** Of the run that ends with it; absent: it is only counted, or ends nothing. */
  readonly run?: string;
  readonly counts?: boolean;
  readonly fibo?: number | undefined;
}

const { port, queue, concurrency } = workerSettings<{ port: number; queue: string; concurrency: number }>();

const worker = new Worker<Job, number | undefined>(
  queue,
  async ({ data }) => {
    const beganMs = nowMs();
    if (data.fibo !== undefined) fibo(data.fibo);
    return data.run === undefined ? undefined : beganMs;
  },
  { connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null }, concurrency, autorun: false },
);
// Emitted once Redis has acknowledged that the job is done.
worker.on('completed', ({ data }, beganMs) => {
  if (data.counts === true) tellCounted();
  if (data.run !== undefined) tellEnded(data.run, beganMs ?? nowMs());
});
worker.on('failed', (_, error) => process.stderr.write(`bullmq: a job failed: ${error.message}\n`));
worker.on('error', (error) => process.stderr.write(`bullmq: ${error.message}\n`));
void worker.run();
await worker.waitUntilReady();
workerReady(() => worker.close(true));
