// What does an engine do at its limits?

import { expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { graphOf, spec, task } from '../domain/test-support.ts';
import { type Core, createCore } from './core.ts';
import { type Engine, engineOn } from './engine.ts';
import { createLeases } from './leases.ts';
import { DEFAULT_ENGINE_LIMITS } from './options.ts';

function createPlace(limits: Partial<Core['options']>): { readonly core: Core; readonly engine: Engine } {
  let minted = 0;
  const options = { ...DEFAULT_ENGINE_LIMITS, namespace: 'default', maxAssignmentBytes: 4_000, ...limits };
  const core = createCore({ ...options, readTasks: () => accept([]), mintToken: () => `t${++minted}` }, 0);
  return { core, engine: engineOn(core) };
}

function submit(engine: Engine, runId: string, tasks: number): void {
  const graph = graphOf(spec(Array.from({ length: tasks }, (_, index) => task(`t${index}`))));
  const input = {
    runId,
    graph,
    chosen: true,
    onConflict: 'FAIL',
    traceparent: '',
    request: undefined,
  } as const;
  engine.step({ type: 'SubmitRun', callId: 1, input }, 0);
}

function register(engine: Engine, executorId: string, slots: number, count = 1): void {
  const capability = (index: number) => ({ name: `test${index || ''}`, version: '', maxConcurrency: 0 });
  const capabilities = Array.from({ length: count }, (_, index) => capability(index));
  const input = { executorId, capabilities, labels: {}, slots, held: [], phase: 'ACTIVE' } as const;
  engine.step({ type: 'RegisterExecutor', callId: 1, input }, 0);
}

/** What was answered with the next flush. */
function replies(engine: Engine): readonly object[] {
  const effects = engine.flush(0)?.effects ?? [];
  return effects.flatMap((effect) => (effect.type === 'Reply' ? [effect.reply] : []));
}

const refusal = (resource: string, limit: string) => ({
  ok: false,
  rejection: { code: 'LIMIT_REACHED', metadata: { resource, limit } },
});

test('tasks beyond what may be active are refused, and taken once there is room', () => {
  const { engine } = createPlace({ maxActiveTasks: 3 });
  submit(engine, 'a', 2);
  submit(engine, 'b', 2);
  submit(engine, 'c', 1);
  expect(replies(engine)).toMatchObject([{ ok: true }, refusal('active_tasks', '3'), { ok: true }]);
  engine.step({ type: 'CancelRun', callId: 2, input: { runId: 'a', message: '', request: undefined } }, 0);
  submit(engine, 'b', 2);
  expect(replies(engine)).toMatchObject([{ ok: true }, { ok: true }]);
});

test('a flood of registrations is refused beyond the limit; those that are there may register again', () => {
  const { engine, core } = createPlace({ maxExecutors: 2 });
  for (const executorId of ['a', 'b', 'c', 'a']) register(engine, executorId, 1);
  expect(replies(engine)).toMatchObject([
    { ok: true },
    { ok: true },
    refusal('executors', '2'),
    { ok: true },
  ]);
  expect(core.executors.size).toBe(2);
});

test('executors with many capabilities are bounded by what all of them have', () => {
  const { engine, core } = createPlace({ maxExecutorEntries: 50 });
  for (const executorId of ['a', 'b', 'c', 'a']) register(engine, executorId, 1, 20);
  register(engine, 'd', 1);
  expect(replies(engine)).toMatchObject([
    { ok: true },
    { ok: true },
    refusal('executor_entries', '50'),
    { ok: true },
    { ok: true },
  ]);
  expect(core.executors.size).toBe(3);
});

test('one commit starts so many tasks at the most; the rest follows with the next', () => {
  const { engine } = createPlace({});
  submit(engine, 'a', 5_001);
  register(engine, 'e', 10_000);
  const started = () =>
    engine.flush(0)?.events.filter(({ event }) => event.change.type === 'TaskStarted').length;
  expect(started()).toBe(5_000);
  expect(started()).toBe(1);
});

test('of leases that ended the latest are remembered', () => {
  const leases = createLeases();
  for (let index = 0; index < 100_000; index += 1) leases.remember(`t${index}`, 'e', 'RECORDED');
  expect(leases.statusOf('t49999', 'e')).toBe('UNKNOWN');
  expect(leases.statusOf('t50000', 'e')).toBe('RECORDED');
});
