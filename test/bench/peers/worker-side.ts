// What does a worker program of a peer tell the adapter that started it? The other side of worker-process.ts.

import { setTimeout as pause } from 'node:timers/promises';

export type WorkerMessage =
  | { readonly type: 'READY' }
  | { readonly type: 'COUNTED'; readonly count: number }
  /** Names, and when their handlers began: nowMs(). */
  | { readonly type: 'ENDED'; readonly list: readonly (readonly [id: string, startedAtMs: number])[] };

export function workerSettings<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T;
}

export function workerReady(stop: () => Promise<unknown>): void {
  const end = async () => {
    await Promise.race([stop().catch(() => {}), pause(5_000)]);
    process.exit(0);
  };
  process.once('SIGTERM', () => void end());
  process.on('SIGINT', () => {});
  // The adapter is gone, however it ended.
  process.once('disconnect', () => void end());
  send({ type: 'READY' });
}

let count = 0;
let list: [string, number][] = [];
let isFlushing = false;

/** Told in one message for all of a turn of the event loop. */
export function tellCounted(): void {
  count += 1;
  flushSoon();
}

export function tellEnded(id: string, startedAtMs: number): void {
  list.push([id, startedAtMs]);
  flushSoon();
}

function flushSoon(): void {
  if (isFlushing) return;
  isFlushing = true;
  setImmediate(() => {
    isFlushing = false;
    if (count > 0) send({ type: 'COUNTED', count });
    if (list.length > 0) send({ type: 'ENDED', list });
    count = 0;
    list = [];
  });
}

function send(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}
