// How much memory does the orchestrator hold, once what it does not need any more is collected? Asked by the
// inspector, which Node opens on a signal: until then nothing is different.

import { setTimeout as pause } from 'node:timers/promises';
import type { Stack } from '../support/stack.ts';

/** For the stack's processes: the inspector takes any free port. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

export interface Held {
  /** Objects. */
  readonly heapBytes: number;
  /** Buffers. */
  readonly bufferBytes: number;
  /** Of the process, with all its threads and what the heap has not given back. */
  readonly rssBytes: number;
}

const LISTENING = /Debugger listening on (ws:\S+)/;
const DEADLINE_MS = 60_000;

/** The stack was started with INSPECTABLE. Of the main thread but for `rssBytes`. */
export async function heldMemory(stack: Stack): Promise<Held> {
  const session = await connect(await inspectorUrl(stack));
  try {
    await session.post('HeapProfiler.collectGarbage');
    const { result } = (await session.post('Runtime.evaluate', {
      expression: 'JSON.stringify(process.memoryUsage())',
    })) as { result: { value: string } };
    const use = JSON.parse(result.value) as NodeJS.MemoryUsage;
    return { heapBytes: use.heapUsed, bufferBytes: use.arrayBuffers, rssBytes: use.rss };
  } finally {
    session.close();
  }
}

const known = new WeakMap<object, string>();

async function inspectorUrl({ orchestrator }: Stack): Promise<string> {
  const before = known.get(orchestrator);
  if (before !== undefined) return before;
  process.kill(orchestrator.pid, 'SIGUSR1');
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (performance.now() < deadlineMs) {
    const url = orchestrator
      .lastLines()
      .map((line) => LISTENING.exec(line)?.[1])
      .find((each) => each);
    if (url !== undefined) {
      known.set(orchestrator, url);
      return url;
    }
    await pause(20);
  }
  throw new Error('the orchestrator did not open its inspector within a minute of SIGUSR1');
}

async function connect(url: string) {
  const socket = new WebSocket(url);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`${url} cannot be reached`));
  });
  socket.onclose = () => {
    for (const { reject } of waiting.values()) reject(new Error('the inspector has gone'));
  };
  socket.onmessage = ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      error?: { message: string };
    };
    const answered = waiting.get(id ?? 0);
    waiting.delete(id ?? 0);
    if (error === undefined) answered?.resolve(result);
    else answered?.reject(new Error(error.message));
  };
  return {
    post(method: string, params: object = {}): Promise<unknown> {
      const id = ++lastId;
      const answered = Promise.withResolvers<unknown>();
      waiting.set(id, answered);
      socket.send(JSON.stringify({ id, method, params }));
      return answered.promise;
    },
    close: () => socket.close(),
  };
}
