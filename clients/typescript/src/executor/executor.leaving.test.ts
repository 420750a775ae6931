// How an executor leaves: draining, giving back, signals (protocol, point 7).

import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import { ExecutorPhase } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { expect, test } from 'vitest';
import { setUp } from '../testing/executor-setup.ts';
import type { AttemptContext } from './index.ts';

const at = setUp();

const phases = () => at.orchestrator.heartbeats.map((h) => h.phase);

test('drain says so, lets attempts end, then leaves', async () => {
  const release = Promise.withResolvers<void>();
  const executor = await at.start({ capabilities: { slow: () => release.promise } });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  const drained = executor.drain();
  await at.orchestrator.until('draining', () => phases().includes(ExecutorPhase.DRAINING));
  expect(at.orchestrator.reports).toEqual([]);
  release.resolve();
  await drained;

  expect(at.orchestrator.reports.map((r) => r.outcome.case)).toEqual(['completed']);
  expect(phases().at(-1)).toBe(ExecutorPhase.LEAVING);
  expect(await executor.closed).toBeUndefined();
  expect(executor.drain()).toBe(drained);
});

test('what has not ended within the drain timeout is given back', async () => {
  let reason = '';
  const executor = await at.start({
    drainTimeout: '100ms',
    capabilities: {
      slow: (_input, context: AttemptContext) =>
        new Promise((resolve) => {
          context.signal.addEventListener('abort', () => {
            reason = context.signal.reason.reason;
            resolve('not wanted any more');
          });
        }),
    },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  await executor.drain();
  expect(at.orchestrator.reports.map((r) => r.outcome.case)).toEqual(['released']);
  expect(reason).toBe('EXECUTOR_STOPPING');
  expect(phases().at(-1)).toBe(ExecutorPhase.LEAVING);
});

test('a drain does not wait for an orchestrator that is gone when nothing is held', async () => {
  const executor = await at.start({ drainTimeout: '1h', capabilities: { noop: () => null } });
  await at.orchestrator.close();
  await executor.drain();
  expect(await executor.closed).toBeUndefined();
});

test('stop during a drain gives back at once', async () => {
  const executor = await at.start({
    drainTimeout: '1h',
    capabilities: { deaf: () => new Promise(() => {}) },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'deaf' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  const drained = executor.drain();
  await executor.stop();
  await drained;
  expect(at.orchestrator.reports.map((r) => r.outcome.case)).toEqual(['released']);
});

test('SIGTERM drains, a second one stops; the listeners go with the executor', async () => {
  const before = new Set(process.listeners('SIGTERM'));
  const executor = await at.start({
    handleSignals: true,
    capabilities: { deaf: () => new Promise(() => {}) },
  });
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'deaf' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  // Called and not sent: the signal would end the test runner.
  const [listener] = process.listeners('SIGTERM').filter((l) => !before.has(l));
  listener?.('SIGTERM');
  await at.orchestrator.until('draining', () => phases().includes(ExecutorPhase.DRAINING));
  expect(executor.held).toBe(1);
  listener?.('SIGTERM');
  expect(await executor.closed).toBeUndefined();
  expect(at.orchestrator.reports.map((r) => r.outcome.case)).toEqual(['released']);
  expect(process.listeners('SIGTERM').filter((l) => !before.has(l))).toEqual([]);
});

test('registers as draining where a new orchestrator asks who it is', async () => {
  const release = Promise.withResolvers<void>();
  const executor = await at.start({ capabilities: { slow: () => release.promise } });
  expect(at.orchestrator.registrations[0]?.phase).toBe(ExecutorPhase.ACTIVE);
  at.orchestrator.assign('e1', { leaseToken: 't1', capability: 'slow' });
  await at.orchestrator.until('it is held', () => executor.held === 1);
  const drained = executor.drain();
  await at.orchestrator.until('draining', () => phases().includes(ExecutorPhase.DRAINING));
  at.orchestrator.script.onHeartbeat = ({ session }) =>
    session === 'session-1' ? { error: ErrorReason.UNKNOWN_SESSION } : { ack: {} };
  await at.orchestrator.until('registered again', () => at.orchestrator.registrations.length === 2);
  expect(at.orchestrator.registrations[1]?.phase).toBe(ExecutorPhase.DRAINING);
  release.resolve();
  await drained;
});
