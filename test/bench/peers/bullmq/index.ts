// BullMQ on Redis. Once as Redis is usually run, with an fsync a second, once with an fsync before each answer.

import { FlowProducer, Queue } from 'bullmq';
import { startAllOrNone } from '../all-or-none.ts';
import { versionOf } from '../installed.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { inBatches } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { type AppendFsync, findRedis, prepareRedis, startRedis } from '../redis.ts';
import { startWorkers } from '../worker-process.ts';
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
    start: ({ folder, cache, slots }) =>
      startAllOrNone(async (onStop) => {
        const program = await findRedis(cache);
        if (program === undefined) throw new Error('there is no redis-server any more');
        const { port, server } = await startRedis(program, folder, appendfsync);
        onStop(() => server.stop());
        const connection = { host: '127.0.0.1', port };
        const client: Client = {
          queue: new Queue<Job>(QUEUE, { connection, defaultJobOptions: OPTIONS }),
          flows: new FlowProducer({ connection }),
          ledger: createLedger(),
        };
        onStop(() => Promise.all([client.queue.close(), client.flows.close()]));
        const concurrency = Math.min(MOST_CONCURRENCY, Math.ceil(slots / WORKERS));
        const spec = {
          program: new URL('worker.ts', import.meta.url),
          settings: { port, queue: QUEUE, concurrency },
          ended: client.ledger.tell,
          counted: client.ledger.tellCounted,
        };
        const workers = await startWorkers(WORKERS, spec, onStop);
        return {
          version: `BullMQ ${versionOf('bullmq')}, Redis ${program.version}, Node ${process.version}`,
          processes: () => [
            { role: 'redis', pid: server.pid },
            ...workers.map(({ pid }) => ({ role: 'workers', pid })),
          ],
          run: (load) => runLoad(client, load),
        };
      }),
  };
}

function runLoad({ queue, flows, ledger }: Client, load: Load): Promise<Measured> {
  return offer(load, {
    flat: (tasks) =>
      ledger.flat(tasks, () =>
        inBatches(tasks, BULK, async (_, size) => {
          const jobs = Array.from({ length: size }, () => ({ name: 'noop', data: { counts: true } }));
          await queue.addBulk(jobs);
        }),
      ),
    one: () => ledger.run((run) => queue.add('noop', { run })),
    steps: (count, fibo) => () => ledger.run((run) => flows.add(flowOf(count, run, { fibo }))),
    // A job has one parent at most: no fan out and in.
  });
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
