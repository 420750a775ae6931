// What is due but could not be fired yet: one step fires only so much.

import { expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { graphOf, spec, task } from '../domain/test-support.ts';
import { createEngine, type Engine } from './engine.ts';
import type { EngineCalls, EngineCallType } from './inputs.ts';
import { DEFAULT_ENGINE_LIMITS } from './options.ts';

/** One more than a step fires. */
const CROWD = 10_001;

/** An executor holds t2; when its lease runs out, a crowd of other timers is due before it. */
function crowded(): Engine {
  let minted = 0;
  const mintToken = () => `t${++minted}`;
  const limits = { ...DEFAULT_ENGINE_LIMITS, namespace: 'default', maxAssignmentBytes: 1_000_000 };
  const engine = createEngine({ ...limits, readTasks: () => accept([]), mintToken }, 0, [], 0);
  const crowd = Array.from({ length: CROWD }, (_, index) =>
    task(`wait${index}`, { capability: 'nobody', timeouts: { queueMs: 14_999 } }),
  );
  submit(engine, 'crowd', graphOf(spec(crowd)));
  submit(engine, 'held', graphOf(spec([task('a')])));
  const capabilities = [{ name: 'test', version: '', maxConcurrency: 0 }];
  const rest = { labels: {}, slots: 1, held: [], phase: 'ACTIVE' } as const;
  const input = { executorId: 'e', capabilities, ...rest };
  const registered = call<'RegisterExecutor'>(engine, { type: 'RegisterExecutor', callId: 3, input }, 0);
  expect(registered).toMatchObject({ ok: true, value: { session: 't1' } });
  return engine;
}

function submit(engine: Engine, runId: string, graph: ReturnType<typeof graphOf>): void {
  const rest = { chosen: true, onConflict: 'FAIL', traceparent: '', request: undefined } as const;
  engine.step({ type: 'SubmitRun', callId: 1, input: { runId, graph, ...rest } }, 0);
  engine.flush(0);
}

function call<K extends EngineCallType>(
  engine: Engine,
  input: Parameters<Engine['step']>[0],
  nowMs: number,
): EngineCalls[K]['reply'] | undefined {
  engine.step(input, nowMs);
  const effects = engine.flush(nowMs)?.effects ?? [];
  return effects.find((effect) => effect.type === 'Reply')?.reply as EngineCalls[K]['reply'] | undefined;
}

test('a heartbeat does not renew a lease that has expired, though its timer has not fired', () => {
  const engine = crowded();
  const attempts = [{ leaseToken: 't2', progress: undefined, checkpoint: undefined }];
  const input = { executorId: 'e', session: 't1', phase: 'ACTIVE', attempts } as const;

  expect(call(engine, { type: 'Heartbeat', callId: 9, input }, 15_000)).toMatchObject({
    rejection: { code: 'UNKNOWN_SESSION' },
  });
  expect(engine.gauges().leases).toBe(0);
});

test('nor is a report under it recorded', () => {
  const engine = crowded();
  const reports = [{ leaseToken: 't2', outcome: { type: 'Released' } as const, usage: undefined }];
  const input = { executorId: 'e', session: 't1', reports };

  expect(call(engine, { type: 'Report', callId: 9, input }, 15_000)).toMatchObject({
    rejection: { code: 'UNKNOWN_SESSION' },
  });
  expect(engine.activeRun('held')?.tasks[0]?.attempts[0]).toMatchObject({
    state: 'LOST',
    error: { code: 'EXECUTOR_LOST' },
  });
});
