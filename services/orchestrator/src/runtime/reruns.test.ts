// F.2: a final run is read back and goes on, whatever else happens to it at the same moment.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_SCHEMAS } from '../domain/schema.ts';
import type { RerunRun } from '../engine/inputs.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { createMemoryPlace, type MemoryPlace } from '../store/memory/memory-store.ts';
import { loadRun } from './load.ts';
import { chainOf, type Fixture, startFixture, startWorker, type Worker } from './orchestrator-fixture.ts';

let place: MemoryPlace;
let fixture: Fixture;
let worker: Worker;

beforeEach(async () => {
  place = createMemoryPlace();
  fixture = await startFixture({}, place);
  worker = await startWorker(fixture);
  await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r1', ['a', 'b']));
  await worker.complete(2);
  await expect.poll(phase).toBe('COMPLETED');
});

afterEach(async () => {
  fixture.gate = async () => 'COMMIT';
  await fixture.orchestrator.stop();
});

const phase = async () => (await fixture.store.getRun('default', 'r1'))?.phase;
const rerun = (input: Partial<RerunRun> = {}) =>
  fixture.orchestrator.call('default', 'RerunRun', {
    runId: 'r1',
    scope: 'ALL',
    taskKey: '',
    run: undefined,
    request: undefined,
    ...input,
  });
const code = (reply: { ok: boolean; rejection?: { code: string } }) => reply.rejection?.code;

describe('a re-run', () => {
  it('goes on from what is stored, and the next load has the same', async () => {
    expect(await rerun({ scope: 'FROM', taskKey: 'b' })).toMatchObject({
      ok: true,
      value: { resetCount: 1 },
    });
    expect(await phase()).toBe('RUNNING');
    await worker.complete(1);
    await expect.poll(phase).toBe('COMPLETED');

    const loaded = await loadRun(fixture.store, 'default', 'r1', createExpressionCompiler(), NO_SCHEMAS);
    const live = fixture.committed.at(-1)?.run;
    const plain = ({ graph: _, ...rest }: NonNullable<typeof loaded>) => rest;
    expect(loaded && plain(loaded)).toEqual(live && plain(live));
    expect(loaded?.tasks[1]?.attempts).toHaveLength(2);
  });

  it('is admitted once, however many ask for it at once', async () => {
    const replies = await Promise.all([rerun(), rerun(), rerun({ scope: 'FROM', taskKey: 'a' })]);

    expect(replies.filter(({ ok }) => ok)).toHaveLength(1);
    expect(replies.map(code).filter((each) => each === 'NOT_FINAL')).toHaveLength(2);
  });

  it('with the same request id gets the same answer', async () => {
    const request = { requestId: 'x', fingerprint: 'f' };
    const [first, second] = [await rerun({ request }), await rerun({ request })];

    expect(first).toMatchObject({ ok: true });
    expect(second).toEqual(first);
  });

  it('of a run whose end is not on disk yet waits for it', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r2', ['a']));
    let open = () => {};
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isHeld = false;
    fixture.gate = async (batch) => {
      if (!batch.events.some(({ payload }) => payload.length > 0)) return 'COMMIT';
      isHeld = true;
      await held;
      return 'COMMIT';
    };
    const completed = worker.complete(1);
    await expect.poll(() => isHeld).toBe(true);
    let answered = false;
    const asked = rerun({ runId: 'r2' }).finally(() => {
      answered = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    open();
    await completed;

    expect((await asked).ok).toBe(true);
  });

  it('is refused for what is unknown, archived, or over without anything to do', async () => {
    expect(code(await rerun({ runId: 'nowhere' }))).toBe('RUN_NOT_FOUND');
    expect(code(await rerun({ scope: 'FROM', taskKey: 'nowhere' }))).toBe('TASK_NOT_FOUND');
    expect(code(await rerun({ scope: 'FAILED' }))).toBe('WRONG_STATE');
    const { epoch } = await fixture.store.claim('default');
    const run = (await fixture.store.getRun('default', 'r1'))?.run ?? 0;
    const change = { namespace: 'default', epoch, run, action: { type: 'ARCHIVE' }, requests: [] } as const;
    expect(await fixture.store.changeRun(change)).toBe('DONE');
    expect(code(await rerun())).toBe('ARCHIVED');
  });

  it('goes on after a restart of the orchestrator', async () => {
    await rerun();
    await fixture.orchestrator.stop();
    await fixture.store.close();
    fixture = await startFixture({}, place);
    expect(await phase()).toBe('RUNNING');
    worker = await startWorker(fixture, 'f');

    expect(code(await rerun())).toBe('NOT_FINAL');
  });

  it('that could not be committed has not happened', async () => {
    fixture.gate = async () => 'FAIL';
    expect(code(await rerun())).toBe('COMMIT_FAILED');
    fixture.gate = async () => 'COMMIT';

    await expect.poll(async () => code(await rerun())).toBeUndefined();
  });
});

describe('a watcher', () => {
  it('sees the run through its re-run, and the end of that is the end', async () => {
    const { value: again } = (await rerun()) as { value: { revision: number } };
    const granted = await fixture.orchestrator.watch(
      'default',
      { runId: 'r1', afterRevision: 0 },
      AbortSignal.timeout(10_000),
    );
    if (!granted.ok) throw new Error(granted.rejection.message);
    const working = worker.complete(2);
    let last = 0;
    for await (const { revision } of granted.value) last = revision;
    await working;

    expect(last).toBeGreaterThan(again.revision);
    expect(last).toBe((await fixture.store.getRun('default', 'r1'))?.lastRevision);
    expect(await phase()).toBe('COMPLETED');
  });
});

describe('a pause', () => {
  it('of a run that is over is refused with its state', async () => {
    const input = { runId: 'r1', message: '', request: undefined };

    expect(await fixture.orchestrator.call('default', 'PauseRun', input)).toMatchObject({
      rejection: { code: 'ALREADY_FINAL', metadata: { state: 'COMPLETED' } },
    });
    expect(await fixture.orchestrator.call('default', 'ResumeRun', { ...input, runId: 'x' })).toMatchObject({
      rejection: { code: 'RUN_NOT_FOUND' },
    });
  });
});
