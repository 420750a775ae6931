// C.7, F.6: the ids of runs that a run starts follow from its own, so that id is not free while some are left.

import { expect, it, onTestFinished } from 'vitest';
import { compileGraph } from '../domain/compile.ts';
import type { SubmitRun } from '../engine/inputs.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { chainOf, startFixture, startWorker } from './orchestrator-fixture.ts';

/** A run of one task, which is a run of one task. */
function starting(runId: string): SubmitRun {
  const run = chainOf(runId, ['outer']);
  const work = { type: 'CHILD_RUN', spec: 'inner', workflow: undefined } as const;
  const tasks = run.graph.spec.tasks.map((task) => ({ ...task, capability: '', work }));
  const childSpecs = { inner: chainOf('', ['inner']).graph.spec };
  const graph = compileGraph({ ...run.graph.spec, tasks, childSpecs }, createExpressionCompiler());
  if (!graph.ok) throw new Error(graph.rejection.message);
  return { ...run, graph: graph.value };
}

it('C.7: a run is refused whose child runs would have the ids of what a deleted one has left', async () => {
  const { orchestrator, store, ...fixture } = await startFixture();
  onTestFinished(() => orchestrator.stop());
  const submit = (input: SubmitRun) => orchestrator.call('default', 'SubmitRun', input);
  const remove = (runId: string) =>
    orchestrator.runLife.change('default', { runId, action: 'DELETE', request: undefined });
  expect((await submit(starting('r'))).ok).toBe(true);
  await (await startWorker({ ...fixture, orchestrator, store })).complete(1);
  expect(await remove('r')).toMatchObject({ ok: true });

  expect(await submit(starting('r'))).toMatchObject({
    ok: false,
    rejection: { code: 'RUN_ALREADY_EXISTS', field: 'run_id', metadata: { run_id: 'r~0~1' } },
  });
  expect(await remove('r~0~1')).toMatchObject({ ok: true });
  expect((await submit(starting('r'))).ok).toBe(true);
});

it('C.7: the id of a deleted run is free at once for a run that starts none', async () => {
  const fixture = await startFixture();
  const { orchestrator } = fixture;
  onTestFinished(() => orchestrator.stop());
  await orchestrator.call('default', 'SubmitRun', starting('r'));
  await (await startWorker(fixture)).complete(1);
  await orchestrator.runLife.change('default', { runId: 'r', action: 'DELETE', request: undefined });

  expect((await orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']))).ok).toBe(true);
});
