import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommitFate, chainOf, type Fixture, startFixture, startWorker } from './orchestrator-fixture.ts';

let fixture: Fixture;

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(async () => {
  fixture.gate = async () => 'COMMIT';
  await fixture.orchestrator.stop();
});

const submit = (input: ReturnType<typeof chainOf>, namespace = 'default') =>
  fixture.orchestrator.call(namespace, 'SubmitRun', input);

describe('a call', () => {
  it('is answered with what the engine says, once it is durable', async () => {
    const reply = await submit(chainOf('r1', ['a', 'b']));
    expect(reply).toEqual({ ok: true, value: { runId: 'r1', revision: 1, existed: false } });
    expect(await fixture.store.latestRevision('default')).toBe(1);
  });

  it('is neither answered nor delivered before its commit is durable (promise 3)', async () => {
    let open: (fate: CommitFate) => void = () => {};
    const reached = new Promise<void>((resolve) => {
      fixture.gate = () =>
        new Promise((fate) => {
          open = fate;
          resolve();
        });
    });
    await Promise.all([register('e')]);
    let answered = false;
    const reply = submit(chainOf('r1', ['a'])).then((value) => {
      answered = true;
      return value;
    });
    await reached;
    await turns(20);
    expect({ answered, delivered: fixture.delivered, committed: fixture.committed }).toEqual({
      answered: false,
      delivered: [],
      committed: [],
    });
    open('COMMIT');
    expect((await reply).ok).toBe(true);
    expect(fixture.assigned().map((one) => one.taskKey)).toEqual(['a']);
  });

  it('gathers with others into one commit while another is under way', async () => {
    const sizes: number[] = [];
    let open: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      open = resolve;
    });
    fixture.gate = async (batch) => {
      sizes.push(batch.newRuns.length);
      if (sizes.length === 1) await first;
      return 'COMMIT';
    };
    const one = submit(chainOf('r0', ['a'], { chosen: false }));
    await turns(5);
    const rest = Array.from({ length: 20 }, (_, index) =>
      submit(chainOf(`r${index + 1}`, ['a'], { chosen: false })),
    );
    await turns(5);
    open();
    await Promise.all([one, ...rest]);
    expect(sizes).toEqual([1, 20]);
  });

  it('is refused beyond the bound of unanswered calls', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxPendingCalls: 3 });
    let open: (fate: CommitFate) => void = () => {};
    fixture.gate = () => new Promise((fate) => (open = fate));
    const replies = ['a', 'b', 'c', 'd', 'e'].map((id) => submit(chainOf(id, ['x'], { chosen: false })));
    const refused = await Promise.all(replies.slice(3));
    expect(refused.map((reply) => (reply.ok ? 'ok' : reply.rejection.code))).toEqual([
      'LIMIT_REACHED',
      'LIMIT_REACHED',
    ]);
    await turns(5);
    fixture.gate = async () => 'COMMIT';
    open('COMMIT');
    expect((await Promise.all(replies.slice(0, 3))).every((reply) => reply.ok)).toBe(true);
  });

  it('is refused once stopping, and what was begun is finished', async () => {
    const reply = submit(chainOf('r1', ['a']));
    await turns(3);
    await fixture.orchestrator.stop();
    expect((await reply).ok).toBe(true);
    const late = await submit(chainOf('r2', ['a']));
    expect(late).toMatchObject({ ok: false, rejection: { code: 'NOT_SERVING' } });
  });
});

describe('a commit that fails', () => {
  for (const fate of ['FAIL', 'COMMIT_AND_FAIL'] as const) {
    it(`drops the engine and goes on from what is durable (${fate})`, async () => {
      await submit(chainOf('before', ['a']));
      let failed = false;
      fixture.gate = async () => {
        if (failed) return 'COMMIT';
        failed = true;
        return fate;
      };
      const lost = await submit(chainOf('lost', ['a']));
      expect(lost).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
      const again = await submit(chainOf('lost', ['a'], { onConflict: 'USE_EXISTING' }));
      expect(again).toMatchObject({ ok: true, value: { existed: fate === 'COMMIT_AND_FAIL', revision: 2 } });
      const worker = await startWorker(fixture);
      await worker.complete(2);
      const phases = ['before', 'lost'].map(async (id) => (await fixture.store.getRun('default', id))?.phase);
      expect(await Promise.all(phases)).toEqual(['COMPLETED', 'COMPLETED']);
      expect(fixture.warnings).toHaveLength(1);
    });
  }

  it('answers instead of hanging while the store stays broken', async () => {
    fixture.gate = async () => 'FAIL';
    const replies = await Promise.all([submit(chainOf('a', ['x'])), submit(chainOf('b', ['x']))]);
    expect(replies.map((reply) => reply.ok)).toEqual([false, false]);
  });
});

describe('repeated calls', () => {
  const request = { requestId: 'q1', fingerprint: 'f1' };

  it('get the first answer, also when they come at once', async () => {
    const calls = [1, 2, 3].map((n) => submit(chainOf(`r${n}`, ['a'], { chosen: false, request })));
    const replies = await Promise.all(calls);
    expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
    expect(await fixture.store.latestRevision('default')).toBe(1);
  });

  it('are refused if the content differs', async () => {
    await submit(chainOf('r1', ['a'], { request }));
    const other = await submit(chainOf('r2', ['a'], { request: { ...request, fingerprint: 'f2' } }));
    expect(other).toMatchObject({ ok: false, rejection: { code: 'REQUEST_ID_REUSED' } });
  });

  it('of a run id start one run, active or final (F.7)', async () => {
    await submit(chainOf('r1', ['a']));
    expect(await submit(chainOf('r1', ['a']))).toMatchObject({
      ok: false,
      rejection: { code: 'RUN_ALREADY_EXISTS' },
    });
    await (await startWorker(fixture)).complete(1);
    expect(await submit(chainOf('r1', ['a']))).toMatchObject({
      ok: false,
      rejection: { code: 'RUN_ALREADY_EXISTS' },
    });
    const existing = await submit(chainOf('r1', ['a'], { onConflict: 'USE_EXISTING' }));
    expect(existing).toEqual({ ok: true, value: { runId: 'r1', revision: 1, existed: true } });
    expect((await submit(chainOf('r1', ['a']), 'other')).ok).toBe(true);
  });

  it('to cancel a final run are refused with its state (D.8)', async () => {
    await submit(chainOf('r1', ['a']));
    await (await startWorker(fixture)).complete(1);
    const input = { runId: 'r1', message: '', request: undefined };
    const reply = await fixture.orchestrator.call('default', 'CancelRun', input);
    expect(reply).toMatchObject({
      ok: false,
      rejection: { code: 'ALREADY_FINAL', metadata: { state: 'COMPLETED' } },
    });
  });
});

describe('namespaces', () => {
  it('have revisions of their own, and a bound', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxNamespaces: 2 });
    expect(await submit(chainOf('r', ['a']), 'one')).toMatchObject({ ok: true, value: { revision: 1 } });
    expect(await submit(chainOf('r', ['a']), 'two')).toMatchObject({ ok: true, value: { revision: 1 } });
    expect(await submit(chainOf('r', ['a']), 'three')).toMatchObject({
      ok: false,
      rejection: { code: 'LIMIT_REACHED' },
    });
  });

  it('that are idle make room for others, and come back as they were', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxNamespaces: 1 });
    const list = (namespace: string) =>
      fixture.orchestrator.call(namespace, 'ListExecutors', { capability: '' });
    await list('one');
    expect(await submit(chainOf('r', ['a']), 'two')).toMatchObject({ ok: true, value: { revision: 1 } });
    expect(await list('one')).toMatchObject({ ok: false, rejection: { code: 'LIMIT_REACHED' } });
    await fixture.orchestrator.call('two', 'CancelRun', { runId: 'r', message: '', request: undefined });
    expect(await submit(chainOf('r', ['a']), 'one')).toMatchObject({ ok: true, value: { revision: 1 } });
  });
});

async function register(executorId: string): Promise<void> {
  const reply = await fixture.orchestrator.call('default', 'RegisterExecutor', {
    executorId,
    capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
    labels: {},
    slots: 4,
    held: [],
    phase: 'ACTIVE',
  });
  expect(reply.ok).toBe(true);
}

/** Lets everything that waits for nothing but its turn have it. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
