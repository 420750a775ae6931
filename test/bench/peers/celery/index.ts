// Celery on Redis: a worker with a process a core, and a program of its own that submits, both in Python.

import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startAllOrNone } from '../all-or-none.ts';
import { createLedger, type Ledger } from '../ledger.ts';
import { type LineProgram, startLineProgram } from '../line-program.ts';
import type { RunOne } from '../loops.ts';
import { offer } from '../offer.ts';
import type { Load, Measured, Peer } from '../peer.ts';
import { type AppendFsync, findRedis, prepareRedis, startRedis } from '../redis.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { celeryVersion, preparePython, pythonOf } from './python.ts';

const execute = promisify(execFile);

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CELERY = ['-m', 'celery', '-A', 'app'];

function celery(name: string, appendfsync: AppendFsync, durability: Peer['durability']): Peer {
  return {
    name,
    settings: `appendfsync ${appendfsync}, task_acks_late, prefetch 100, one worker of a process a core, 10 threads that submit`,
    durability,
    kinds: ['flat-large', 'flat-single', 'latency-serial', 'latency-open', 'three-step', 'chain', 'fan'],
    prepare: async (cache, say) => (await prepareRedis(cache, say)) ?? (await preparePython(cache, say)),
    start: ({ folder, cache, slots }) =>
      startAllOrNone(async (onStop) => {
        const program = await findRedis(cache);
        if (program === undefined) throw new Error('there is no redis-server any more');
        const redis = await startRedis(program, folder, appendfsync);
        onStop(() => redis.server.stop());
        const python = pythonOf(cache);
        const env = {
          BENCH_REDIS: `redis://127.0.0.1:${redis.port}`,
          PYTHONPATH: FOLDER,
          // Nothing of it into the source tree.
          PYTHONDONTWRITEBYTECODE: '1',
        };
        const worker = await startCeleryWorker(python, folder, slots, env);
        onStop(() => worker.stop());
        const ledger = createLedger();
        const submitter = await startLineProgram({
          name: 'celery submitter',
          command: python,
          args: [join(FOLDER, 'load.py')],
          env,
          line: ledger.tellLine,
        });
        onStop(() => submitter.stop());
        const workerFailed = worker.ended.then((why) => Promise.reject(new Error(why)));
        workerFailed.catch(() => {});
        return {
          version: `${await celeryVersion(python)}, Redis ${program.version}`,
          processes: () => [
            { role: 'redis', pid: redis.server.pid },
            { role: 'workers', pid: worker.pid, descendants: true },
            { role: 'load', pid: submitter.pid },
          ],
          run: (load) => Promise.race([runLoad(submitter, ledger, load), workerFailed, submitter.failed]),
        };
      }),
  };
}

/**
 * A process a core is its default: docs.celeryq.dev/en/stable/userguide/workers.html#concurrency. Where there is one
 * worker, it has nobody to gossip with: the options are of the command line's reference.
 */
async function startCeleryWorker(
  python: string,
  folder: string,
  slots: number,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const concurrency = String(Math.min(slots, availableParallelism()));
  const worker = await startServer({
    name: 'celery worker',
    command: python,
    args: [
      ...[...CELERY, 'worker', '--pool', 'prefork', '--concurrency', concurrency],
      ...['--without-gossip', '--without-mingle', '--without-heartbeat', '--loglevel', 'error'],
    ],
    cwd: folder,
    env,
    // Its cold shutdown: nobody waits for tasks any more.
    stopSignal: 'SIGQUIT',
  });
  try {
    await worker.until(async () => {
      await execute(python, [...CELERY, 'inspect', 'ping', '--timeout', '5'], {
        cwd: folder,
        env: { ...process.env, ...env },
      });
      return true;
    });
  } catch (error) {
    await worker.stop();
    throw error;
  }
  return worker;
}

function runLoad(submitter: LineProgram, ledger: Ledger, load: Load): Promise<Measured> {
  const run = (what: string): RunOne => {
    return () => ledger.run((id) => submitter.write(`run ${id} ${what}`));
  };
  return offer(load, {
    flat: (tasks, isKnown) =>
      ledger.flat(tasks, () => submitter.write(`${isKnown ? 'known' : 'many'} ${tasks}`)),
    one: run('stamp'),
    steps: (count, fibo = 0) => run(`chain ${count} ${fibo}`),
    fan: (width) => run(`fan ${width}`),
  });
}

export const peers: readonly Peer[] = [
  celery('celery', 'everysec', 'PROCESS_KILL'),
  celery('celery-always', 'always', 'FSYNC'),
];
