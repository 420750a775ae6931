// The store's side of a worker thread: every request gets an answer, also when the thread dies.

import { Worker } from 'node:worker_threads';
import { StoreError } from '../port.ts';
import { createPacker, createUnpacker, type Packer, transferables, type Unpacker } from './packing.ts';
import { CLOSE, OPEN, type WorkerReply, type WorkerRequest } from './worker-protocol.ts';

export interface WorkerClient {
  /** Rejects with a StoreError only. */
  request(type: string, pack?: (input: Packer) => void): Promise<Unpacker>;
  /**
   * Takes no further request; answers what was requested before. The thread ends after `after`;
   * resolves when it has.
   */
  close(after?: Promise<void>): Promise<void>;
  /** Resolves if the thread can answer no more although nobody has closed it. There is no way back. */
  readonly died: Promise<StoreError>;
}

interface Waiting {
  readonly resolve: (output: Unpacker) => void;
  readonly reject: (error: StoreError) => void;
}

/** Far above what the runtime has under way at once: one commit a namespace, one read a call. */
export const MAX_WAITING = 16_384;

/** Rows live as long as one request: a small nursery does, and leaves about 10 MB a thread to others. */
const YOUNG_GENERATION_MB = 12;

/** Starts the thread and opens the data folder in it. Rejects with UNUSABLE or IN_USE. */
export async function startWorker(script: URL, folder: string): Promise<WorkerClient> {
  const client = createWorkerClient(script);
  try {
    await client.request(OPEN, (input) => input.string(folder));
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

function createWorkerClient(script: URL): WorkerClient {
  // The flags of this process are not the worker's: a test runner's hooks have no business there.
  const worker = new Worker(script, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  /** Why no request can be taken any more. */
  let ended: StoreError | undefined;
  let closing: Promise<void> | undefined;

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

  const died = Promise.withResolvers<StoreError>();

  const failAll = (message: string): void => {
    const error = new StoreError('FAILED', message);
    if (ended === undefined) died.resolve(error);
    ended ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  worker.on('message', (reply: WorkerReply) => {
    const answered = waiting.get(reply.id);
    if (answered === undefined) return;
    waiting.delete(reply.id);
    if (reply.ok) answered.resolve(createUnpacker(reply.output));
    else answered.reject(new StoreError(reply.error.code, reply.error.message));
  });
  worker.on('messageerror', (error) =>
    failAll(`an answer of the store's thread cannot be read: ${error.message}`),
  );
  worker.on('error', (error) => failAll(`the store's thread died: ${describe(error)}`));
  worker.on('exit', (code) => failAll(`the store's thread ended with code ${code}`));

  const post = (type: string, pack?: (input: Packer) => void): Promise<Unpacker> =>
    new Promise((resolve, reject) => {
      const packer = createPacker();
      pack?.(packer);
      const request: WorkerRequest = { id: ++lastId, type, input: packer.finish() };
      worker.postMessage(request, transferables(request.input));
      waiting.set(request.id, { resolve, reject });
    });

  return {
    died: died.promise,
    request: async (type, pack) => {
      if (ended !== undefined) throw new StoreError(ended.code, ended.message);
      if (waiting.size >= MAX_WAITING) {
        throw new StoreError('FULL', `more than ${MAX_WAITING} requests wait for the store`);
      }
      return post(type, pack);
    },
    close: (after) => {
      closing ??= (async () => {
        ended = new StoreError('CLOSED', 'the store was closed');
        await after;
        // A thread that has died, or dies of this, does not answer; it is gone either way.
        await Promise.race([post(CLOSE).catch(() => undefined), exited]);
        await exited;
      })();
      return closing;
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
