// Two executors under one id: said to people, but not with every heartbeat.

import { expect, test } from 'vitest';
import { reject } from '../domain/rejection.ts';
import type { Logger } from './logger.ts';
import { createSharedIds } from './shared-ids.ts';

const superseded = reject('UNKNOWN_SESSION', '', { superseded: 'true' }).rejection;

function start() {
  const warned: object[] = [];
  const texts: string[] = [];
  const never = () => {
    throw new Error('this is a warning');
  };
  const warn = (fields: object, text: string) => {
    warned.push(fields);
    texts.push(text);
  };
  const logger: Logger = { info: never, error: never, warn };
  const time = { nowMs: 0 };
  let counted = 0;
  const shared = () => {
    counted += 1;
  };
  const ids = createSharedIds({ logger, nowMs: () => time.nowMs, shared });
  return { ids, warned, texts, time, counted: () => counted };
}

test('is logged with the id and the remedy, once a minute, and counted each time', () => {
  const { ids, warned, texts, time, counted } = start();
  for (const atMs of [0, 5_000, 59_999]) {
    time.nowMs = atMs;
    ids.refused('default', 'e', superseded);
  }
  expect(warned).toEqual([{ namespace: 'default', executorId: 'e' }]);
  expect(texts[0]).toMatch(/two executors use the id e: .* give each process an id of its own/);
  ids.refused('other', 'e', superseded);
  time.nowMs = 60_000;
  ids.refused('default', 'e', superseded);
  expect(warned).toHaveLength(3);
  expect(counted()).toBe(5);
});

test('any other refusal says nothing', () => {
  const { ids, warned, counted } = start();
  ids.refused('default', 'e', reject('UNKNOWN_SESSION', '', { executor_id: 'e' }).rejection);
  ids.refused('default', 'e', reject('COMMIT_FAILED', '').rejection);
  expect([warned.length, counted()]).toEqual([0, 0]);
});
