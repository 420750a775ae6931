// Each attempt comes to speak, however much the others say.

import { create } from '@bufbuild/protobuf';
import { ProgressSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import { bytesPayload } from '../payloads.ts';
import { createNews, type News } from './news.ts';

const tokens = Array.from({ length: 20 }, (_, i) => `t${i}`);
const progress = (message = '') => create(ProgressSchema, { percent: 1, message });

/** All of them speak before each heartbeat; which of them were ever heard, and of what? */
function heard(news: News, heartbeats: number, limitBytes: number, checkpointBytes: number) {
  const spoken = { progress: new Set<string>(), checkpoint: new Set<string>() };
  for (let beat = 0; beat < heartbeats; beat += 1) {
    for (const token of tokens) {
      news.progress(token, progress());
      news.checkpoint(token, bytesPayload(new Uint8Array(checkpointBytes)));
    }
    for (const said of news.say(tokens, limitBytes)) {
      if (said.progress !== undefined) spoken.progress.add(said.leaseToken);
      if (said.checkpoint !== undefined) spoken.checkpoint.add(said.leaseToken);
    }
  }
  return { progress: spoken.progress.size, checkpoint: spoken.checkpoint.size };
}

test('checkpoints of which only some fit take turns; progress goes with every heartbeat', () => {
  expect(heard(createNews(), 1, 100_000, 20_000).progress).toBe(20);
  expect(heard(createNews(), 10, 100_000, 20_000)).toEqual({ progress: 20, checkpoint: 20 });
});

test('a checkpoint that leaves room for nothing else silences no progress, nor the other way round', () => {
  const tokenBytes = tokens.reduce((sum, token) => sum + token.length + 8, 0);
  const limitBytes = tokenBytes + 24 * 10 + 100;
  // As large as can be; ten of twenty progresses leave no room for it.
  const largest = limitBytes - tokenBytes - 24;
  expect(heard(createNews(), 80, limitBytes, largest)).toEqual({ progress: 20, checkpoint: 20 });
});

test('what fits into no heartbeat waits without holding up the others or asking for more heartbeats', () => {
  const news = createNews();
  news.checkpoint('t0', bytesPayload(new Uint8Array(5_000)));
  news.checkpoint('t1', bytesPayload(new Uint8Array(10)));
  const said = news.say(['t0', 't1'], 1_000);
  expect(said.map((entry) => entry.checkpoint !== undefined)).toEqual([false, true]);
  expect(news.isLeft).toBe(false);
  expect(news.say(['t0'], 10_000)[0]?.checkpoint).toBeDefined();
});

test('the latest wins; what did not arrive is said again unless there is something newer', () => {
  const news = createNews();
  news.progress('t0', progress('old'));
  news.progress('t0', progress('new'));
  const [said] = news.say(['t0'], 1_000);
  expect(said?.progress?.message).toBe('new');
  expect(news.say(['t0'], 1_000)[0]?.progress).toBeUndefined();
  if (said !== undefined) news.unsay(said);
  expect(news.say(['t0'], 1_000)[0]?.progress?.message).toBe('new');
  news.progress('t0', progress('newest'));
  if (said !== undefined) news.unsay(said);
  expect(news.say(['t0'], 1_000)[0]?.progress?.message).toBe('newest');
});
