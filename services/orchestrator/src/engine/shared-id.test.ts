// Two executors under one id take each other's place again and again: both are told, by the engine that
// gave both of them their sessions, and nobody else is.

import { expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { createEngine, type Engine } from './engine.ts';
import type { EngineCalls, EngineCallType } from './inputs.ts';
import { DEFAULT_ENGINE_LIMITS } from './options.ts';

function start(name: string) {
  let tokens = 0;
  let callId = 0;
  const mintToken = () => `${name}-${++tokens}`;
  const options = {
    ...DEFAULT_ENGINE_LIMITS,
    namespace: 'default',
    maxAssignmentBytes: 1e6,
    readTasks: () => accept([]),
    mintToken,
  };
  const engine: Engine = createEngine(options, 0, [], 0);
  function call<K extends EngineCallType>(type: K, input: EngineCalls[K]['input'], nowMs = 0) {
    callId += 1;
    engine.step({ type, callId, input } as Parameters<Engine['step']>[0], nowMs);
    const reply = engine.flush(nowMs)?.effects.find((one) => one.type === 'Reply' && one.callId === callId);
    if (reply?.type !== 'Reply') throw new Error('the call was not answered');
    return reply.reply as EngineCalls[K]['reply'];
  }
  return {
    register(nowMs = 0) {
      const capabilities = [{ name: 'work', version: '', maxConcurrency: 0 }];
      const rest = { labels: {}, slots: 1, held: [], phase: 'ACTIVE' } as const;
      const reply = call('RegisterExecutor', { executorId: 'e', capabilities, ...rest }, nowMs);
      if (!reply.ok) throw new Error(reply.rejection.message);
      return reply.value.session;
    },
    heartbeat: (session: string, nowMs = 0) =>
      call('Heartbeat', { executorId: 'e', session, phase: 'ACTIVE', attempts: [] }, nowMs),
    report: (session: string) => call('Report', { executorId: 'e', session, reports: [] }),
  };
}

const superseded = {
  ok: false,
  rejection: { code: 'UNKNOWN_SESSION', metadata: { executor_id: 'e', superseded: 'true' } },
};
const unknown = { ok: false, rejection: { code: 'UNKNOWN_SESSION', metadata: { executor_id: 'e' } } };

test('who goes on under a session that another registration took over is told so, with the remedy', () => {
  const engine = start('t');
  const first = engine.register();
  const second = engine.register();
  const refused = engine.heartbeat(first);
  expect(refused).toMatchObject(superseded);
  expect(!refused.ok && refused.rejection.message).toContain('give each executor process an id of its own');
  expect(engine.report(first)).toMatchObject(superseded);
  expect(engine.heartbeat(second).ok).toBe(true);
  // So the first one registers again, and the second is the one whose place was taken.
  engine.register();
  expect(engine.heartbeat(second)).toMatchObject(superseded);
});

test('no other unknown session is taken for that', () => {
  const engine = start('t');
  const first = engine.register();
  expect(engine.heartbeat('made-up')).toEqual(expect.objectContaining({ ok: false }));
  expect(engine.heartbeat('made-up')).not.toMatchObject(superseded);
  // An executor that was lost, and comes back.
  const late = DEFAULT_ENGINE_LIMITS.leaseDurationMs + 1;
  engine.register(late);
  expect(engine.heartbeat(first, late)).toMatchObject(unknown);
  expect(engine.heartbeat(first, late)).not.toMatchObject(superseded);
  // The orchestrator was restarted: reports of the session before are still on their way.
  const restarted = start('u');
  restarted.register();
  expect(restarted.report(first)).not.toMatchObject(superseded);
});
