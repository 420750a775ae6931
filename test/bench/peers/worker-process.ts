// How does a peer's adapter start its own worker programs (Node), and hear from them what was done?

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OnStop } from './all-or-none.ts';
import type { WorkerMessage } from './worker-side.ts';

export interface WorkerProcess {
  readonly pid: number;
  send(message: object): void;
  /** It is gone afterwards. */
  stop(): Promise<void>;
}

export interface WorkerSpec {
  /** import.meta.url of the adapter resolves it: new URL('worker.ts', import.meta.url). */
  readonly program: URL;
  /** What the worker reads with `workerSettings()`. */
  readonly settings: object;
  readonly env?: Readonly<Record<string, string>>;
  /** Told of each run or task that ended, by the name that the submitter gave it. */
  readonly ended?: (id: string, startedAtMs: number) => void;
  /** Told of how many ended, by workers that only count. */
  readonly counted?: (count: number) => void;
}

const GRACE_MS = 10_000;

/**
 * Resolves when the worker has said that it is ready. Should it end by itself after that, it is an uncaught exception:
 * nothing would come of the round, and whoever waits for a run would wait for ever.
 */
export async function startWorker(spec: WorkerSpec): Promise<WorkerProcess> {
  const child = fork(fileURLToPath(spec.program), [JSON.stringify(spec.settings)], {
    env: { ...process.env, ...spec.env },
    // What it says on stdout belongs to people: stdout of a round is its result.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${spec.program.pathname} ended with ${code}`)));
    child.on('message', (message: WorkerMessage) => {
      if (message.type === 'READY') resolve();
      else if (message.type === 'COUNTED') spec.counted?.(message.count);
      else for (const [id, startedAtMs] of message.list) spec.ended?.(id, startedAtMs);
    });
  });
  await ready;
  const fail = (code: number | null, signal: string | null) => {
    throw new Error(`${spec.program.pathname} ended with ${code ?? signal} before its work did`);
  };
  child.once('exit', fail);
  return {
    pid: child.pid ?? -1,
    send: (message) => void child.send(message),
    async stop() {
      child.off('exit', fail);
      await stop(child);
    },
  };
}

/** So many of the same; they are stopped together. */
export async function startWorkers(
  count: number,
  spec: WorkerSpec,
  onStop: OnStop,
): Promise<readonly WorkerProcess[]> {
  const workers: WorkerProcess[] = [];
  onStop(() => Promise.all(workers.map((worker) => worker.stop())));
  while (workers.length < count) workers.push(await startWorker(spec));
  return workers;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(timer);
}
