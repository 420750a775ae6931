// No promise ever hangs: every request is answered, also when the thread dies under it.

import { afterEach, expect, it } from 'vitest';
import { expectStoreError } from '../contract/expect-store-error.ts';
import { MAX_WAITING, startWorker, type WorkerClient } from './worker-client.ts';

const script = new URL('./faulty.worker.fixture.ts', import.meta.url);
const clients: WorkerClient[] = [];

async function start(folder = 'any'): Promise<WorkerClient> {
  const client = await startWorker(script, folder);
  clients.push(client);
  return client;
}

async function echo(client: WorkerClient, text: string): Promise<string> {
  return (await client.request('echo', (input) => input.string(text))).string();
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

it('rejects what a handler throws with FAILED, and goes on', async () => {
  const client = await start();
  const error = await expectStoreError(client.request('throwHere'), 'FAILED');
  expect(error.message).toContain('thrown while handling');
  await expectStoreError(client.request('no such request'), 'FAILED');
  expect(await echo(client, 'still here')).toBe('still here');
});

it.each(['exit', 'dieLater'])(
  'rejects what is under way and what comes later when the thread dies (%s)',
  async (death) => {
    const client = await start();
    expect(await echo(client, 'before')).toBe('before');
    const dying = client.request(death).catch((error: unknown) => error);
    const after = Array.from({ length: 50 }, () => echo(client, 'after').catch((error: unknown) => error));
    await dying;
    const outcomes = await Promise.all(after);
    if (death === 'exit') for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'FAILED' });
    // dieLater answers first and dies a turn later: what follows must fail, at the latest, for good.
    await expectStoreError(untilRejected(client), 'FAILED');
    await expectStoreError(client.request('echo'), 'FAILED');
    expect(await client.died).toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining("the store's thread"),
    });
    await client.close();
    await expectStoreError(client.request('echo'), 'CLOSED');
  },
);

it('has not died when it is closed', async () => {
  const client = await start();
  await client.close();
  expect(await Promise.race([client.died, Promise.resolve('alive until then')])).toBe('alive until then');
});

it('closes when the thread has died before, or dies of closing', async () => {
  const client = await start('bad close');
  expect(await echo(client, 'last')).toBe('last');
  await client.close();
  await expectStoreError(client.request('echo'), 'CLOSED');
});

it('refuses requests from the moment of close on, before the thread has ended', async () => {
  const client = await start();
  let release = (): void => undefined;
  const closed = client.close(new Promise((resolve) => (release = resolve)));
  await expectStoreError(client.request('echo'), 'CLOSED');
  release();
  await closed;
});

it('refuses with FULL what exceeds the bound of waiting requests, and answers the rest', async () => {
  const client = await start();
  const taken = Array.from({ length: MAX_WAITING }, (_, i) => echo(client, String(i)));
  await expectStoreError(echo(client, 'one too many'), 'FULL');
  expect(await Promise.all(taken)).toEqual(taken.map((_, i) => String(i)));
  expect(await echo(client, 'room again')).toBe('room again');
});

it('rejects the start with UNUSABLE where the folder cannot be opened', async () => {
  const error = await expectStoreError(start('refused'), 'UNUSABLE');
  expect(error.message).toContain('this folder is refused');
});

/** Bounded: a thread that goes on answering makes this resolve. */
async function untilRejected(client: WorkerClient): Promise<void> {
  for (let i = 0; i < 10_000; i += 1) await echo(client, 'again');
}
