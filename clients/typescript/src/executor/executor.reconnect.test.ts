// What an executor asks for once its connection is back, long before its next heartbeat would be due.

import { expect, test } from 'vitest';
import { setUp } from '../testing/executor-setup.ts';

const setup = setUp();

test('looks twice for what was lost with the connection', async () => {
  const { nats, orchestrator } = setup;
  orchestrator.timing.heartbeatIntervalMs = 3_600_000;
  let calls = 0;
  await setup.start({ capabilities: { work: () => ++calls } });
  await nats.kill();
  await nats.start();
  await orchestrator.until('the first look', () => orchestrator.heartbeats.length === 1);
  // An hour is too long for the test; what is older than a second by now is sent again.
  orchestrator.script.onHeartbeat = () => ({
    ack: { missing: [{ leaseToken: 'lost', taskKey: 'a', capability: 'work', attempt: 1 }] },
  });
  await orchestrator.until('the report of what was lost', () => orchestrator.reports.length === 1);
  expect([calls, orchestrator.heartbeats.length]).toEqual([1, 2]);
});
