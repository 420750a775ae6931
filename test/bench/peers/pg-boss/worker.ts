// A worker of pg-boss, in a process of its own: takes jobs, tells which runs have ended.

import { PgBoss } from 'pg-boss';
import { nowMs } from '../clock.ts';
import { fibo } from '../fibo.ts';
import { tellCounted, tellEnded, workerReady, workerSettings } from '../worker-side.ts';

export interface Data {
  /** Of the run that ends with its last step. */
  readonly run?: string;
  readonly counts?: boolean;
  /** Steps that follow this one. */
  readonly more?: number;
  readonly fibo?: number | undefined;
}

interface Settings {
  readonly url: string;
  readonly queue: string;
  readonly batchSize: number;
  readonly localConcurrency: number;
}

const { url, queue, batchSize, localConcurrency } = workerSettings<Settings>();
const boss = new PgBoss({
  connectionString: url,
  max: localConcurrency + 4,
  useListenNotify: true,
  migrate: false,
});
boss.on('error', (error) => process.stderr.write(`pg-boss: ${error.message}\n`));
await boss.start();

await boss.work<Data>(
  queue,
  { batchSize, localConcurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
  async (jobs) => {
    const followers: Data[] = [];
    for (const { data } of jobs) {
      const beganMs = nowMs();
      if (data.fibo !== undefined) fibo(data.fibo);
      // Told when the handler ends: nothing tells when pg-boss has written it. That is in its favour.
      if (data.more) followers.push({ ...data, more: data.more - 1 });
      else if (data.run !== undefined) tellEnded(data.run, beganMs);
      else if (data.counts === true) tellCounted();
    }
    // A step adds the next one; its own flows wait for an interval between steps.
    if (followers.length > 0) {
      await boss.insert(
        queue,
        followers.map((data) => ({ data })),
      );
    }
  },
);
workerReady(() => boss.stop({ graceful: false }));
