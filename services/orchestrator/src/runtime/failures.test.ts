// What becomes of calls and namespaces when the engine has a defect, or the store does not answer.

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMemoryPlace } from '../store/memory/memory-store.ts';
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

/** A call that no engine survives. */
const { graph: whole } = chainOf('poison', ['a']);
const graph = { ...whole, required: undefined as never };
const trip = () => submit(chainOf('poison', ['a'], { chosen: false, graph }));

const list = (namespace: string) => fixture.orchestrator.call(namespace, 'ListExecutors', { capability: '' });

describe('a defect of the engine', () => {
  it('leaves the commit under way its fate: what is durable is told, and a repeat finds it', async () => {
    await list('default');
    const fate = Promise.withResolvers<CommitFate>();
    const reached = Promise.withResolvers<void>();
    fixture.gate = () => {
      reached.resolve();
      return fate.promise;
    };
    const request = { requestId: 'q1', fingerprint: 'f1' };
    const first = submit(chainOf('one', ['a'], { chosen: false, request }));
    await reached.promise;
    const tripped = trip();
    const repeat = submit(chainOf('two', ['a'], { chosen: false, request }));
    await turns(20);
    fixture.gate = async () => 'COMMIT';
    fate.resolve('COMMIT');
    expect(await tripped).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
    expect(await first).toMatchObject({ ok: true, value: { runId: 'one' } });
    expect(await repeat).toEqual(await first);
    expect(await fixture.store.latestRevision('default')).toBe(1);
    expect(fixture.committed.map(({ event }) => event.revision)).toEqual([1]);
  });

  it('answers the commit under way with COMMIT_FAILED only once that has failed', async () => {
    await list('default');
    const fate = Promise.withResolvers<CommitFate>();
    fixture.gate = () => fate.promise;
    let answered = false;
    const first = submit(chainOf('one', ['a'])).then((reply) => {
      answered = true;
      return reply;
    });
    await turns(20);
    const tripped = trip();
    await turns(20);
    expect(answered).toBe(false);
    fixture.gate = async () => 'COMMIT';
    fate.resolve('COMMIT_AND_FAIL');
    expect(await tripped).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
    expect(await first).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
    const again = await submit(chainOf('one', ['a'], { onConflict: 'USE_EXISTING' }));
    expect(again).toMatchObject({ ok: true, value: { existed: true, revision: 1 } });
  });

  it('at the first of many calls that wait for the load leaves none of them unanswered (D5)', async () => {
    const tripped = trip();
    const good = [1, 2, 3].map((n) => submit(chainOf(`g${n}`, ['a'], { chosen: false })));
    expect(await tripped).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
    expect((await Promise.all(good)).map((reply) => reply.ok)).toEqual([true, true, true]);
  });
});

describe('a namespace that cannot be loaded', () => {
  const broken = () => Promise.reject(new Error('this namespace is broken'));

  async function startBroken(limits = {}): Promise<void> {
    const place = createMemoryPlace();
    await fixture.orchestrator.stop();
    fixture = await startFixture({}, place);
    await submit(chainOf('r', ['a']), 'bad');
    await submit(chainOf('r', ['a']), 'default');
    await fixture.orchestrator.stop();
    await fixture.store.close();
    fixture = await startFixture(limits, place, (store) => ({
      claim: (namespace) => (namespace === 'bad' ? broken() : store.claim(namespace)),
    }));
  }

  it('holds no other one up, neither at the start nor at the stop, and says NOT_SERVING', async () => {
    await startBroken();
    await (await startWorker(fixture)).complete(1);
    expect((await fixture.store.getRun('default', 'r'))?.phase).toBe('COMPLETED');
    expect(fixture.warnings.join()).toContain('namespace bad could not be loaded');
    const waiting = list('bad');
    await turns(5);
    await fixture.orchestrator.stop();
    expect(await waiting).toMatchObject({ ok: false, rejection: { code: 'NOT_SERVING' } });
  });

  it('keeps no watcher beyond its abort, and counts those that wait', async () => {
    await startBroken({ maxPendingCalls: 1 });
    const reader = new AbortController();
    const query = { runId: undefined, afterRevision: undefined };
    const watching = fixture.orchestrator.watch('bad', query, reader.signal);
    expect(await list('bad')).toMatchObject({ ok: false, rejection: { code: 'LIMIT_REACHED' } });
    reader.abort();
    const rejection = { code: 'NOT_SERVING', metadata: { namespace: 'bad' } };
    expect(await watching).toMatchObject({ ok: false, rejection });
  });
});

describe('a namespace with runs that are not final', () => {
  it('is loaded at the start, however many there are', async () => {
    const place = createMemoryPlace();
    await fixture.orchestrator.stop();
    fixture = await startFixture({}, place);
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) await submit(chainOf('r', ['a']), name);
    await fixture.orchestrator.stop();
    await fixture.store.close();
    fixture = await startFixture({ maxNamespaces: 2 }, place);
    expect(fixture.orchestrator.gauges().map(({ activeRuns }) => activeRuns)).toEqual([1, 1, 1, 1]);
    expect(fixture.warnings.join()).toContain('4 namespaces');
  });
});

describe('a namespace that nobody has used', () => {
  it('is not made by looking at it: the first commit makes it', async () => {
    const claimed: string[] = [];
    const { claim } = fixture.store;
    Object.assign(fixture.store, {
      claim: (namespace: string) => {
        claimed.push(namespace);
        return claim(namespace);
      },
    });
    const reader = new AbortController();
    const query = { runId: undefined, afterRevision: undefined };
    const watching = await fixture.orchestrator.watch('seen', query, reader.signal);
    expect(watching.ok).toBe(true);
    expect(await list('seen')).toEqual({ ok: true, value: [] });
    const cancel = { runId: 'r', message: '', request: undefined };
    expect((await fixture.orchestrator.call('seen', 'CancelRun', cancel)).ok).toBe(false);
    expect(claimed).toEqual([]);
    await submit(chainOf('r', ['a']), 'seen');
    expect(claimed).toEqual(['seen']);
    if (!watching.ok) return;
    const seen: number[] = [];
    for await (const page of watching.value) {
      seen.push(page.revision);
      if (page.events.length > 0) break;
    }
    expect(seen).toEqual([0, 1]);
  });
});

describe('a namespace whose latest commit failed', () => {
  const failing = () => fixture.orchestrator.failingNamespaces();

  it('is failing until one succeeds', async () => {
    expect(failing()).toEqual([]);
    fixture.gate = async () => 'FAIL';
    expect((await submit(chainOf('one', ['a']))).ok).toBe(false);
    expect((await submit(chainOf('one', ['a']))).ok).toBe(false);
    expect(failing()).toEqual(['default']);
    fixture.gate = async () => 'COMMIT';
    expect((await submit(chainOf('one', ['a']))).ok).toBe(true);
    expect(failing()).toEqual([]);
  });

  it('is taken for well without one 30 s after the store took its claim, or nobody would send one', async () => {
    const advance = steerTime();
    fixture.gate = async () => 'FAIL';
    expect((await submit(chainOf('one', ['a']))).ok).toBe(false);
    await expect.poll(() => fixture.orchestrator.gauges()).toHaveLength(1);
    advance(29_000);
    expect(failing()).toEqual(['default']);
    advance(1_000);
    expect(failing()).toEqual([]);
    expect((await submit(chainOf('one', ['a']))).ok).toBe(false);
    expect(failing()).toEqual(['default']);
  });

  it('is failing for as long as the store takes no claim of it', async () => {
    const advance = steerTime();
    await list('default');
    fixture.gate = async () => 'FAIL';
    const claims = vi.spyOn(fixture.store, 'claim').mockRejectedValue(new Error('the disk is gone'));
    expect((await submit(chainOf('one', ['a']))).ok).toBe(false);
    await expect.poll(() => claims.mock.calls.length).toBeGreaterThan(1);
    advance(60_000);
    expect(failing()).toEqual(['default']);
    claims.mockRestore();
  });
});

describe('the bound of unanswered calls', () => {
  it('keeps no executor out: what it says is what ends the waiting', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxPendingCalls: 1 });
    const worker = await startWorker(fixture);
    await submit(chainOf('a', ['x']));
    const asked = Promise.withResolvers<void>();
    const { findRunIds } = fixture.store;
    Object.assign(fixture.store, {
      findRunIds: async (...query: Parameters<typeof findRunIds>) => {
        await asked.promise;
        return findRunIds(...query);
      },
    });
    const waiting = submit(chainOf('b', ['x']));
    await turns(5);
    expect((await submit(chainOf('c', ['x']))).ok).toBe(false);
    await worker.complete(1);
    asked.resolve();
    expect((await waiting).ok).toBe(true);
  });

  it('counts those that wait for the store to be asked', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxPendingCalls: 2 });
    const { findRunIds } = fixture.store;
    const asked = Promise.withResolvers<void>();
    Object.assign(fixture.store, {
      findRunIds: async (...query: Parameters<typeof findRunIds>) => {
        await asked.promise;
        return findRunIds(...query);
      },
    });
    const waiting = [submit(chainOf('a', ['x'])), submit(chainOf('b', ['x']))];
    await turns(5);
    expect(await submit(chainOf('c', ['x']))).toMatchObject({
      ok: false,
      rejection: { code: 'LIMIT_REACHED', metadata: { resource: 'pending_calls' } },
    });
    asked.resolve();
    expect((await Promise.all(waiting)).map((reply) => reply.ok)).toEqual([true, true]);
    expect((await submit(chainOf('c', ['x']))).ok).toBe(true);
  });
});

/** Returns what puts the clock of the orchestrator forward. */
function steerTime(): (byMs: number) => void {
  const now = performance.now.bind(performance);
  let aheadMs = 0;
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs);
  onTestFinished(() => spy.mockRestore());
  return (byMs) => {
    aheadMs += byMs;
  };
}

/** Lets everything that waits for nothing but its turn have it. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a namespace that another owner has claimed', () => {
  it('is not taken back: the process takes no more calls, of any namespace, and says so', async () => {
    await submit(chainOf('one', ['a']));
    await fixture.store.claim('default');
    const refused = await submit(chainOf('two', ['a'], { chosen: false }));
    expect(refused).toMatchObject({ ok: false, rejection: { code: 'COMMIT_FAILED' } });
    expect((await fixture.orchestrator.replaced).message).toContain('default');
    expect(fixture.orchestrator.serving()).toBe(false);
    expect(await list('other')).toMatchObject({ ok: false, rejection: { code: 'NOT_SERVING' } });
    expect(await list('default')).toMatchObject({ ok: false, rejection: { code: 'NOT_SERVING' } });
    expect(fixture.warnings).toEqual(['namespace default has another owner now']);
    expect(await fixture.store.latestRevision('default')).toBe(1);
  });

  it('refuses a re-run of what only that owner can have written, instead of tripping over it', async () => {
    const place = createMemoryPlace();
    const old = await startFixture({}, place);
    await old.orchestrator.call('default', 'SubmitRun', chainOf('one', ['a']));
    const rival = await startFixture({}, { namespaces: place.namespaces, inUse: false });
    const worker = await startWorker(rival);
    await worker.complete(1);
    const again = { runId: 'r2', chosen: false } as const;
    await rival.orchestrator.call('default', 'SubmitRun', chainOf('r2', ['a'], again));
    await worker.complete(1);
    await expect.poll(async () => (await rival.store.getRun('default', 'r2'))?.phase).toBe('COMPLETED');
    const rerun = { runId: 'r2', scope: 'ALL', taskKey: '', run: undefined, request: undefined } as const;
    const reply = await old.orchestrator.call('default', 'RerunRun', rerun);
    expect(reply).toMatchObject({ ok: false, rejection: { code: 'NOT_SERVING' } });
    expect(old.warnings).toEqual([]);
    await old.orchestrator.stop();
    await rival.orchestrator.stop();
  });

  it('is not loaded half before and half after that owner has written', async () => {
    const place = createMemoryPlace();
    const old = await startFixture({}, place);
    await old.orchestrator.call('default', 'SubmitRun', chainOf('one', ['a']));
    await old.orchestrator.stop();
    const again = { namespaces: place.namespaces, inUse: false };
    let rival: Fixture | undefined;
    const late = await startFixture({}, again, (store) => ({
      async claim(namespace) {
        const claim = await store.claim(namespace);
        rival = await startFixture({}, { namespaces: place.namespaces, inUse: false });
        await rival.orchestrator.call(namespace, 'SubmitRun', chainOf('two', ['a']));
        return claim;
      },
    }));
    expect((await late.orchestrator.replaced).message).toContain('default');
    expect(late.orchestrator.serving()).toBe(false);
    await late.orchestrator.stop();
    await rival?.orchestrator.stop();
  });
});
