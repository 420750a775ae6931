// Promise 6: a watcher that resumes from the last revision it saw misses nothing and sees nothing
// twice.

import { status } from '@grpc/grpc-js';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect, failure, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts';
import { type Client, ClientClosedError, createClient } from './index.ts';

let server: ScriptedServer;
let client: Client;

beforeEach(async () => {
  server = await startScriptedServer();
  client = createClient({ address: server.address });
});
afterEach(() => {
  client.close();
  server.kill();
});

const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ revision: BigInt(from + i), runId: 'r' }));

async function revisions(watching: AsyncIterable<Event>): Promise<number[]> {
  return (await collect(watching)).map((event) => Number(event.revision));
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test('goes on from the last revision after each kind of break', async () => {
  const asked: (bigint | undefined)[] = [];
  server.handlers.watch = async function* ({ afterRevision }) {
    asked.push(afterRevision);
    if (asked.length === 1) {
      yield { events: events(1, 3), revision: 3n };
      throw failure(status.UNAVAILABLE, 'NOT_SERVING');
    }
    if (asked.length === 2) {
      yield { events: events(4, 4), revision: 9n };
      throw failure(status.RESOURCE_EXHAUSTED, 'WATCHER_TOO_SLOW');
    }
    yield { events: events(10, 12), revision: 12n };
  };
  expect(await revisions(client.watch({ runId: 'r' }))).toEqual([1, 2, 3, 4, 10, 11, 12]);
  expect(asked).toEqual([undefined, 3n, 9n]);
});

test('goes on when the server is killed and comes back', async () => {
  let calls = 0;
  server.handlers.watch = async function* ({ afterRevision = 0n }, { signal }) {
    calls += 1;
    if (calls > 1) return yield { events: events(Number(afterRevision) + 1, 5), revision: 5n };
    yield { events: events(1, 2), revision: 2n };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  const seen: number[] = [];
  for await (const event of client.watch({ runId: 'r', afterRevision: 0n })) {
    seen.push(Number(event.revision));
    if (event.revision !== 2n) continue;
    server.kill();
    await server.restart();
  }
  expect(seen).toEqual(upTo(5));
});

test('whatever the batches and wherever the breaks: all of it, once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ size: fc.integer({ min: 0, max: 5 }), breaks: fc.boolean() }), { maxLength: 6 }),
      async (plan) => {
        const last = plan.reduce((sum, { size }) => sum + size, 0);
        let step = 0;
        server.handlers.watch = async function* ({ afterRevision = 0n }) {
          let at = Number(afterRevision);
          for (let next = plan[step]; next !== undefined; next = plan[step]) {
            step += 1;
            yield { events: events(at + 1, at + next.size), revision: BigInt(at + next.size) };
            at += next.size;
            if (next.breaks) throw failure(status.UNAVAILABLE, 'NOT_SERVING');
          }
        };
        expect(await revisions(client.watch({ runId: 'r', afterRevision: 0n }))).toEqual(upTo(last));
      },
    ),
    { numRuns: 12 },
  );
});

test('a refusal is thrown, not repeated', async () => {
  let calls = 0;
  // biome-ignore lint/correctness/useYield: a stream that fails before its first message
  server.handlers.watch = async function* () {
    calls += 1;
    throw failure(status.OUT_OF_RANGE, 'REVISION_IN_FUTURE', { metadata: { latest: '3' } });
  };
  await expect(revisions(client.watch({ afterRevision: 99n }))).rejects.toMatchObject({
    reason: 'REVISION_IN_FUTURE',
    metadata: { latest: '3' },
  });
  expect(calls).toBe(1);
});

test('gives up when nobody answered for long enough', async () => {
  server.kill();
  await expect(revisions(client.watch({ giveUpAfterMs: 150 }))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});

test('the signal ends it without an error, and the stream with it', async () => {
  const gone = Promise.withResolvers<void>();
  server.handlers.watch = async function* (_request, { signal }) {
    yield { events: events(1, 1), revision: 1n };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone.resolve();
  };
  const controller = new AbortController();
  const seen: number[] = [];
  for await (const event of client.watch({ signal: controller.signal })) {
    seen.push(Number(event.revision));
    controller.abort();
  }
  await gone.promise;
  expect(seen).toEqual([1]);
});

test('a reader that leaves ends the stream', async () => {
  const gone = Promise.withResolvers<void>();
  server.handlers.watch = async function* (_request, { signal }) {
    yield { events: events(1, 3), revision: 3n };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone.resolve();
  };
  for await (const event of client.watch()) {
    expect(event.revision).toBe(1n);
    break;
  }
  await gone.promise;
});

test('a handle watches from its own first event', async () => {
  let asked: bigint | undefined;
  server.handlers.submitRun = () => ({ runId: 'r', revision: 41n });
  server.handlers.watch = async function* ({ afterRevision }) {
    asked = afterRevision;
    yield { events: events(41, 42), revision: 42n };
  };
  const run = await client.submit({ capability: 'echo' });
  expect(await revisions(run.watch())).toEqual([41, 42]);
  expect(asked).toBe(40n);
});

test('a namespace without events: what happens during the break is not missed', async () => {
  const asked: (bigint | undefined)[] = [];
  server.handlers.watch = async function* ({ afterRevision }) {
    asked.push(afterRevision);
    if (asked.length === 1) {
      yield { events: [], revision: 0n };
      throw failure(status.UNAVAILABLE, 'NOT_SERVING');
    }
    yield { events: events(1, 1), revision: 1n };
  };
  for await (const event of client.watch()) {
    expect(event.revision).toBe(1n);
    break;
  }
  expect(asked).toEqual([undefined, 0n]);
});

test('a limit is waited out if the orchestrator says for how long, and thrown if not', async () => {
  let calls = 0;
  server.handlers.watch = async function* () {
    calls += 1;
    if (calls === 1) throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED', { retryDelayMs: 20 });
    yield { events: events(1, 1), revision: 1n };
  };
  expect(await revisions(client.watch({ runId: 'r' }))).toEqual([1]);
  // biome-ignore lint/correctness/useYield: a stream that fails before its first message
  server.handlers.watch = async function* () {
    throw failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED');
  };
  await expect(revisions(client.watch({ runId: 'r' }))).rejects.toMatchObject({ reason: 'LIMIT_REACHED' });
});

test('closing the client ends a watch with an error, and is no break to resume after', async () => {
  let calls = 0;
  server.handlers.watch = async function* (_request, { signal }) {
    calls += 1;
    yield { events: events(1, 1), revision: 1n };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  const watching = client.watch();
  await watching.next();
  const next = watching.next();
  client.close();
  await expect(next).rejects.toBeInstanceOf(ClientClosedError);
  expect(calls).toBe(1);
});
