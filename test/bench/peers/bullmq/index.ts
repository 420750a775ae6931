// BullMQ on Redis. Once as Redis is usually run, with an fsync a second, once with an fsync before each answer.

import { FlowProducer, Queue } from 'bullmq';
import { nowMs } from '../clock.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { closedLoop, inBatches, openLoop, type RunOne } from '../loops.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { type AppendFsync, findRedis, prepareRedis, startRedis } from '../redis.ts';
import { startWorker, type WorkerProcess } from '../worker-process.ts';
import type { Job } from './worker.ts';

const QUEUE = 'bench';
/**
 * Several worker processes are what its documentation recommends (docs.bullmq.io/guide/workers/concurrency); one
 * for each of two cores, as Tutti has two executors.
 */
const WORKERS = 2;
/** "A single worker saturates at around 500" (hexdocs.pm/bullmq/benchmarks.html). */
const MOST_CONCURRENCY = 500;
/** Many jobs in one transaction: docs.bullmq.io/guide/queues/adding-bulks. */
const BULK = { batch: 1_000, inFlight: 4 };
/** Nothing kept of what is done: docs.bullmq.io/guide/queues/auto-removal-of-jobs. */
const OPTIONS = { removeOnComplete: true, removeOnFail: true } as const;

interface Client {
  readonly queue: Queue<Job>;
  readonly flows: FlowProducer;
  readonly ledger: Ledger;
}

function bullmq(name: string, appendfsync: AppendFsync, durability: Peer['durability']): Peer {
  return {
    name,
    settings: `appendfsync ${appendfsync}, ${WORKERS} worker processes, addBulk of ${BULK.batch}`,
    durability,
    kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain'],
    prepare: prepareRedis,
    async start({ folder, cache, slots }) {
      const program = await findRedis(cache);
      if (program === undefined) throw new Error('there is no redis-server any more');
      const { port, server } = await startRedis(program, folder, appendfsync);
      const workers: WorkerProcess[] = [];
      const connection = { host: '127.0.0.1', port };
      const client: Client = {
        queue: new Queue<Job>(QUEUE, { connection, defaultJobOptions: OPTIONS }),
        flows: new FlowProducer({ connection }),
        ledger: createLedger(),
      };
      const { ledger } = client;
      const stop = async () => {
        await Promise.all(workers.map((worker) => worker.stop()));
        await Promise.all([client.queue.close(), client.flows.close()]);
        await server.stop();
      };
      try {
        for (let index = 0; index < WORKERS; index += 1) {
          const worker = await startWorker({
            program: new URL('worker.ts', import.meta.url),
            settings: {
              port,
              queue: QUEUE,
              concurrency: Math.min(MOST_CONCURRENCY, Math.ceil(slots / WORKERS)),
            },
            ended: ledger.tell,
            counted: ledger.tellCounted,
          });
          workers.push(worker);
        }
      } catch (error) {
        await stop();
        throw error;
      }
      return {
        version: `BullMQ ${versionOf('bullmq')}, Redis ${program.version}, Node ${process.version}`,
        processes: () => [
          { role: 'redis', pid: server.pid },
          ...workers.map(({ pid }) => ({ role: 'workers', pid })),
        ],
        run: (load) => runLoad(client, load),
        stop,
      };
    },
  };
}

let runNumber = 0;

async function runLoad({ queue, flows, ledger }: Client, load: Load): Promise<Measured> {
  const runJob: RunOne = async () => {
    const run = String(++runNumber);
    const end = ledger.end(run);
    await queue.add('noop', { run });
    return await end;
  };
  const runSteps = (steps: number, data: Job): RunOne => {
    return async () => {
      const run = String(++runNumber);
      const end = ledger.end(run);
      await flows.add(flowOf(steps, run, data));
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
        await queue.addBulk(Array.from({ length: size }, () => ({ name: 'noop', data: { counts: true } })));
      });
      await all;
      return { seconds: (nowMs() - beganMs) / 1_000, runs: tasks, tasks };
    }
    case 'latency-serial':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 1 }, runJob);
    case 'latency-open':
      return openLoop({ ...load, tasksOfARun: 1 }, runJob);
    case 'three-step':
      return closedLoop({ runs: load.runs, atOnce: load.atOnce, tasksOfARun: 3 }, runSteps(3, {}));
    case 'chain': {
      const { runs, steps } = load;
      return closedLoop({ runs, atOnce: 1, tasksOfARun: steps }, runSteps(steps, { fibo: load.fibo }));
    }
    case 'fan':
      throw new Error('a job of BullMQ has one parent at most: no fan out and in');
  }
}

type Flow = Parameters<FlowProducer['add']>[0];

/** A parent runs after its children: docs.bullmq.io/guide/flows. The last step is the root. */
function flowOf(steps: number, run: string, data: Job): Flow {
  const base = { name: 'step', queueName: QUEUE, opts: OPTIONS };
  let flow: Flow = { ...base, data };
  for (let step = 1; step < steps; step += 1) flow = { ...base, data, children: [flow] };
  return { ...flow, data: { ...data, run } };
}

export const peers: readonly Peer[] = [
  bullmq('bullmq', 'everysec', 'PROCESS_KILL'),
  bullmq('bullmq-always', 'always', 'FSYNC'),
];
