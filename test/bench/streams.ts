// How are many streams opened in a process of their own, and when have they all come to their end?

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readUse } from '../support/proc.ts';
import type { StreamsNews, StreamsOrder } from './streams.worker.ts';

export interface Streams {
  /** Every stream has had its first message. Rejects if one failed. */
  readonly watching: Promise<void>;
  /** Every stream has ended with its run. Rejects if one failed. */
  readonly ended: Promise<{ readonly messages: number; readonly bytes: number }>;
  cpuSeconds(): number;
  close(): void;
}

export function openStreams(order: StreamsOrder): Streams {
  const child = fork(fileURLToPath(new URL('streams.worker.ts', import.meta.url)));
  const watching = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ messages: number; bytes: number }>();
  const fail = (message: string) => {
    watching.reject(new Error(message));
    ended.reject(new Error(message));
  };
  // Whoever waits for one of them hears of it there.
  watching.promise.catch(() => {});
  ended.promise.catch(() => {});
  child.on('message', (news: StreamsNews) => {
    switch (news.type) {
      case 'WATCHING':
        watching.resolve();
        break;
      case 'ENDED':
        ended.resolve({ messages: news.messages, bytes: news.bytes });
        break;
      case 'FAILED':
        fail(news.message);
        break;
    }
  });
  child.on('exit', () => fail('the process with the streams has ended'));
  child.send(order);
  return {
    watching: watching.promise,
    ended: ended.promise,
    cpuSeconds: () => readUse(child.pid ?? -1).cpuSeconds,
    close: () => child.disconnect(),
  };
}
