// DESIGN 9, promise 8: executors are told that their sessions are unknown, on a real nats-server.

import { expect, test } from 'vitest';
import { createRollCall } from './roll-call.ts';
import { createSubjects } from './subjects.ts';
import { useTestNats } from './test-support.ts';

const nats = useTestNats();

test('each loaded namespace is called, those that were loaded early once executors are listened to', async () => {
  const link = await nats.link();
  const executor = await nats.client();
  const subscription = executor.subscribe('tutti.v1.*.executors.rollcall');
  await executor.flush();
  const messages = subscription[Symbol.asyncIterator]();
  const called = async () => {
    const { value } = await messages.next();
    return value?.subject.split('.')[2];
  };
  const rollCall = createRollCall(link, createSubjects('tutti.v1'));

  rollCall.loaded('early');
  rollCall.loaded('early');
  link.publish('tutti.v1.marker.executors.rollcall', new Uint8Array());
  expect(await called()).toBe('marker');
  rollCall.begin();
  expect(await called()).toBe('early');
  rollCall.loaded('late');
  expect(await called()).toBe('late');
});
