import { expect, test } from 'vitest';
import { startAllOrNone } from './all-or-none.ts';

const nothing = { version: '1', processes: () => [], run: () => Promise.reject(new Error('no load is run')) };

test('who asks again for the stop waits for the one under way, and nothing is stopped twice', async () => {
  const first = Promise.withResolvers<void>();
  const stopped: string[] = [];
  const running = await startAllOrNone(async (onStop) => {
    onStop(() => void stopped.push('server'));
    onStop(async () => {
      await first.promise;
      stopped.push('worker');
    });
    return nothing;
  });
  const told: string[] = [];
  const stops = ['once', 'again'].map((who) => running.stop().then(() => told.push(who)));
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  expect([stopped, told]).toEqual([[], []]);
  first.resolve();
  await Promise.all(stops);
  expect(stopped).toEqual(['worker', 'server']);
});

test('what was started is stopped where something later does not start', async () => {
  const stopped: string[] = [];
  const starting = startAllOrNone(async (onStop) => {
    onStop(() => void stopped.push('server'));
    throw new Error('the port is taken');
  });
  await expect(starting).rejects.toThrow('the port is taken');
  expect(stopped).toEqual(['server']);
});
