// What an executor asks for once its connection is back, long before its next heartbeat would be due.

import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
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

test('outlives a server that refuses it for a while, as during a change of credentials', async () => {
  const { nats, orchestrator } = setup;
  let refusedCount = 0;
  const refused = Promise.withResolvers<void>();
  const logger = {
    debug() {},
    info() {},
    warn(fields: object) {
      if (!JSON.stringify(fields).includes('Authorization')) return;
      refusedCount += 1;
      // At the second, the client would give up by default.
      if (refusedCount === 3) refused.resolve();
    },
    error() {},
  };
  const release = Promise.withResolvers<string>();
  const executor = await setup.start({ logger, capabilities: { slow: () => release.promise } });
  orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  await orchestrator.until('it is held', () => executor.held === 1);
  await nats.kill();
  await nats.start({ isLocked: true });
  await refused.promise;
  await nats.kill();
  await nats.start();
  release.resolve('survived');
  await orchestrator.until('the report', () => orchestrator.reports.length > 0);
  expect(orchestrator.reports[0]?.outcome.case).toBe('completed');
});

test('at a roll call it says at once what it holds, and repeats what was not answered', async () => {
  const { orchestrator } = setup;
  orchestrator.timing.heartbeatIntervalMs = 3_600_000;
  await setup.start({ capabilities: { work: () => 'done' } });
  orchestrator.script.onReports = () => undefined;
  orchestrator.assign('e1', { leaseToken: 't1', capability: 'work' });
  await orchestrator.until('a report', () => orchestrator.reports.length === 1);
  // Another process in its place, which knows nobody.
  orchestrator.answerAgain();
  orchestrator.script.onHeartbeat = (request) =>
    request.session === 'session-1' ? { error: ErrorReason.UNKNOWN_SESSION } : { ack: {} };
  orchestrator.publish('tutti.v1.default.executors.rollcall', new Uint8Array());

  await orchestrator.until('a registration', () => orchestrator.registrations.length === 2);
  await orchestrator.until('the report again', () => orchestrator.reports.length > 1);
  expect(orchestrator.heartbeats[0]?.session).toBe('session-1');
});
