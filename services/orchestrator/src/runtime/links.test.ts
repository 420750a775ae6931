// F.4 under races: a run that is linked to cannot go while the run that links to it comes.

import { expect, it, onTestFinished } from 'vitest';
import { compileGraph } from '../domain/compile.ts';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import type { SubmitRun } from '../engine/inputs.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { type CommitFate, chainOf, type Fixture, startFixture, startWorker } from './orchestrator-fixture.ts';

const DELETE_ORIGIN = { runId: 'origin', action: 'DELETE', request: undefined } as const;

async function withFinalOrigin(): Promise<Fixture> {
  const fixture = await startFixture();
  onTestFinished(() => fixture.orchestrator.stop());
  await fixture.orchestrator.call('default', 'SubmitRun', chainOf('origin', ['a']));
  await (await startWorker(fixture)).complete(1);
  return fixture;
}

/** A run of one task, which takes the result of the origin's. */
function linking(runId: string): SubmitRun {
  const run = chainOf(runId, ['b']);
  const work = { type: 'LINK', runId: 'origin', taskKey: 'a', result: EMPTY_PAYLOAD } as const;
  const tasks = run.graph.spec.tasks.map((task) => ({ ...task, capability: '', work }));
  const graph = compileGraph({ ...run.graph.spec, tasks }, createExpressionCompiler());
  if (!graph.ok) throw new Error(graph.rejection.message);
  return { ...run, graph: graph.value };
}

it('F.4: refuses a link whose origin goes after it was looked up, and nobody else notices', async () => {
  const { orchestrator, warnings } = await withFinalOrigin();
  const { graph, ...input } = linking('late');
  const submitted = await orchestrator.submitPrepared('default', input, async () => {
    expect((await orchestrator.runLife.change('default', DELETE_ORIGIN)).ok).toBe(true);
    return { ok: true, value: graph };
  });
  expect(submitted).toMatchObject({ ok: false, rejection: { code: 'RUN_NOT_FOUND' } });
  expect(warnings).toEqual([]);
  expect((await orchestrator.call('default', 'SubmitRun', chainOf('next', ['a']))).ok).toBe(true);
});

it('F.4: a deletion that comes while the linking run is being written waits, and is refused', async () => {
  const fixture = await withFinalOrigin();
  const { orchestrator } = fixture;
  const writing = Promise.withResolvers<void>();
  const written = Promise.withResolvers<CommitFate>();
  fixture.gate = async ({ newRuns }) => {
    if (newRuns.length === 0) return 'COMMIT';
    writing.resolve();
    return written.promise;
  };
  const submission = orchestrator.call('default', 'SubmitRun', linking('early'));
  await writing.promise;
  const deletion = orchestrator.runLife.change('default', DELETE_ORIGIN);
  // Time enough for a deletion that does not wait.
  for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  written.resolve('COMMIT');
  expect((await submission).ok).toBe(true);
  expect(await deletion).toMatchObject({
    ok: false,
    rejection: { code: 'LINKED', metadata: { linked_by: 'early' } },
  });
});
