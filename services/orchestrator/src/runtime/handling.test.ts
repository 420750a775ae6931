// D.4, D.5, D.9: what tasks make of failures and results comes back from the store as it was, at every step.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { compileGraph } from '../domain/compile.ts';
import type { Payload } from '../domain/payload.ts';
import { NO_SCHEMAS } from '../domain/schema.ts';
import { DEFAULT_RETRY, type Handling, NO_TIMEOUTS, PLAIN_HANDLING } from '../domain/spec.ts';
import type { RunState } from '../domain/state.ts';
import type { AttemptOutcome } from '../engine/inputs.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { loadRun } from './load.ts';
import { chainOf, type Fixture, startFixture } from './orchestrator-fixture.ts';

let fixture: Fixture;
let session: string;
const done = new Set<string>();

beforeEach(async () => {
  done.clear();
  fixture = await startFixture();
  const capabilities = ['work', 'other', 'judge', 'undo'].map((name) => ({
    name,
    version: '',
    maxConcurrency: 0,
  }));
  const registered = await fixture.orchestrator.call('default', 'RegisterExecutor', {
    executorId: 'e',
    capabilities,
    labels: {},
    slots: 4,
    held: [],
    phase: 'ACTIVE',
  });
  if (!registered.ok) throw new Error(registered.rejection.message);
  session = registered.value.session;
});

afterEach(() => fixture.orchestrator.stop());

const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
const completed = (value: unknown): AttemptOutcome => ({ type: 'Completed', result: json(value) });
const failed = (code: string, checkpoint?: unknown): AttemptOutcome => ({
  type: 'Failed',
  error: { code, message: 'no', details: json([code]) },
  final: false,
  retryAfterMs: undefined,
  checkpoint: checkpoint === undefined ? undefined : json(checkpoint),
});

async function submit(handlings: readonly Partial<Handling>[], maxAttempts: number): Promise<void> {
  const keys = handlings.map((_, index) => `t${index}`);
  const chain = chainOf('r', keys);
  const tasks = chain.graph.spec.tasks.map((spec, index) => ({
    ...spec,
    retry: { ...DEFAULT_RETRY, maxAttempts, initialDelayMs: 0 },
    handling: { ...PLAIN_HANDLING, ...handlings[index] },
  }));
  const graph = compileGraph({ ...chain.graph.spec, tasks }, createExpressionCompiler());
  if (!graph.ok) throw new Error(graph.rejection.message);
  await fixture.orchestrator.call('default', 'SubmitRun', { ...chain, graph: graph.value });
}

/** Answers the next assignment, which must be for this task; then store and memory must agree. */
async function answer(taskKey: string, outcome: AttemptOutcome): Promise<void> {
  await expect.poll(() => fixture.assigned().some(({ leaseToken }) => !done.has(leaseToken))).toBe(true);
  const next = fixture.assigned().find(({ leaseToken }) => !done.has(leaseToken));
  if (next === undefined) throw new Error('nothing is assigned');
  expect(next.taskKey).toBe(taskKey);
  done.add(next.leaseToken);
  const reports = [{ leaseToken: next.leaseToken, outcome, usage: { tokens: 2 } }];
  const reply = await fixture.orchestrator.call('default', 'Report', { executorId: 'e', session, reports });
  expect(reply).toEqual({ ok: true, value: ['RECORDED'] });
  await expectSame();
}

async function expectSame(): Promise<void> {
  const live = fixture.committed.at(-1)?.run as RunState;
  const loaded = await loadRun(fixture.store, 'default', 'r', createExpressionCompiler(), NO_SCHEMAS);
  if (loaded === undefined) throw new Error('nothing is stored');
  expect(loaded.lastRevision).toBe(live.lastRevision);
  const plain = ({ graph: _, ...rest }: RunState) => rest;
  expect(plain(loaded)).toEqual(plain(live));
  expect(loaded.graph.spec.tasks).toEqual(live.graph.spec.tasks);
  const rows = await fixture.store.getRun('default', 'r');
  expect(rows?.phase).toBe(live.phase);
}

test('rules, a fallback, checkpoints', async () => {
  const errorRules = [
    { codes: ['NONE*'], action: { type: 'COMPLETE', result: json(0) } },
    { codes: ['NOW'], action: { type: 'FALL_BACK' } },
  ] as const;
  await submit([{ errorRules, fallback: 'other' }, { fallback: 'other' }], 2);

  await answer('t0', failed('FIRST', { page: 1 }));
  await answer('t0', failed('NONE_LEFT'));
  await answer('t1', failed('FIRST'));
  await answer('t1', failed('SECOND', { page: 2 }));
  await answer('t1', failed('THIRD'));

  const run = fixture.committed.at(-1)?.run;
  expect([run?.phase, run?.tasks[1]?.error?.code]).toEqual(['FAILED', 'SECOND']);
});

test('guardrails: refused, judged, replaced', async () => {
  const judge = { check: { type: 'CAPABILITY', capability: 'judge' }, message: '' } as const;
  const check = { check: { type: 'EXPRESSION', text: 'result != "bad"' }, message: 'bad' } as const;
  await submit([{ guardrails: [check, judge] }], 3);

  await answer('t0', completed('bad'));
  await answer('t0', completed('poor'));
  await answer('t0#check2.1', completed({ ok: false, reason: 'poor' }));
  await answer('t0', completed('good'));
  await answer('t0#check3.1', completed({ ok: true, result: 'better' }));

  const run = fixture.committed.at(-1)?.run;
  expect([run?.phase, new TextDecoder().decode(run?.tasks[0]?.result?.bytes)]).toEqual([
    'COMPLETED',
    '"better"',
  ]);
});

test('compensation, one of which fails', async () => {
  const compensation = {
    capability: 'undo',
    inputExpression: '{"undo": result}',
    retry: DEFAULT_RETRY,
    timeouts: NO_TIMEOUTS,
  };
  await submit([{ compensation }, { compensation }, {}], 1);

  await answer('t0', completed(1));
  await answer('t1', completed(2));
  await answer('t2', failed('BROKEN'));
  await answer('t1#undo', failed('STUCK'));
  await answer('t0#undo', completed(null));

  const run = fixture.committed.at(-1)?.run;
  expect([run?.phase, run?.message]).toEqual(['FAILED', '1 of 2 compensations did not complete: "t1#undo"']);
  const row = await fixture.store.getRun('default', 'r');
  expect(row).toMatchObject({ phase: 'FAILED', message: '1 of 2 compensations did not complete: "t1#undo"' });
});
