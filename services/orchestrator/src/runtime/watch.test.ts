import { fromBinary } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WatchPage, WatchQuery } from './orchestrator.ts';
import { chainOf, type Fixture, startFixture, startWorker } from './orchestrator-fixture.ts';

let fixture: Fixture;
const ended = new AbortController();

beforeEach(async () => {
  fixture = await startFixture();
});

afterEach(() => fixture.orchestrator.stop());

async function watch(query: WatchQuery, signal = ended.signal): Promise<AsyncIterable<WatchPage>> {
  const reply = await fixture.orchestrator.watch('default', query, signal);
  if (!reply.ok) throw new Error(reply.rejection.code);
  return reply.value;
}

async function revisions(
  pages: AsyncIterable<WatchPage>,
  until = Number.POSITIVE_INFINITY,
): Promise<number[]> {
  const seen: number[] = [];
  for await (const page of pages) {
    seen.push(...page.events.map((bytes) => Number(fromBinary(EventSchema, bytes).revision)));
    expect(page.revision).toBeGreaterThanOrEqual(seen.at(-1) ?? 0);
    if (page.revision >= until) break;
  }
  return seen;
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, index) => from + index);

describe('a watch', () => {
  it('of a run begun before, during and after it gives every event once, and ends with the run (promise 6)', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a', 'b', 'c']));
    const early = revisions(await watch({ runId: 'r', afterRevision: undefined }));
    const worker = await startWorker(fixture);
    await worker.complete(1);
    const middle = revisions(await watch({ runId: 'r', afterRevision: 0 }));
    await worker.complete(2);
    const late = revisions(await watch({ runId: 'r', afterRevision: 0 }));
    const last = await fixture.store.latestRevision('default');
    expect(await Promise.all([early, middle, late])).toEqual([upTo(last), upTo(last), upTo(last)]);
  });

  it('resumes from any revision without a gap or a repeat', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a', 'b', 'c']));
    await (await startWorker(fixture)).complete(3);
    const last = await fixture.store.latestRevision('default');
    for (let after = 0; after <= last; after += 1) {
      expect(await revisions(await watch({ runId: 'r', afterRevision: after }))).toEqual(
        upTo(last, after + 1),
      );
    }
  });

  it('of the namespace sees all runs in one order, from now on by default', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r1', ['a']));
    const fromNow = revisions(await watch({ runId: undefined, afterRevision: undefined }), 5);
    const fromStart = revisions(await watch({ runId: undefined, afterRevision: 0 }), 5);
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r2', ['a']));
    await (await startWorker(fixture)).complete(2);
    expect(await fromNow).toEqual(upTo((await fromNow).at(-1) ?? 0, 2));
    expect(await fromStart).toEqual(upTo((await fromStart).at(-1) ?? 0));
  });

  it('gives once what is both in the store and on its way when it begins to read (promise 6)', async () => {
    const pages = await watch({ runId: undefined, afterRevision: 0 });
    for (const id of ['r1', 'r2', 'r3'])
      await fixture.orchestrator.call('default', 'SubmitRun', chainOf(id, ['a']));
    const seen = revisions(pages, 4);
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r4', ['a']));
    expect(await seen).toEqual(upTo(4));
  });

  it('that falls behind reads from the store what it missed', async () => {
    const pages = (await watch({ runId: undefined, afterRevision: 0 }))[Symbol.asyncIterator]();
    await pages.next();
    const submissions = Array.from({ length: 6_000 }, (_, index) =>
      chainOf(`r${index}`, ['a'], { chosen: false }),
    );
    await Promise.all(submissions.map((input) => fixture.orchestrator.call('default', 'SubmitRun', input)));
    const seen: number[] = [];
    while ((seen.at(-1) ?? 0) < 6_000) {
      const { value } = await pages.next();
      seen.push(
        ...(value as WatchPage).events.map((bytes) => Number(fromBinary(EventSchema, bytes).revision)),
      );
    }
    await pages.return?.();
    expect(seen).toEqual(upTo(6_000));
    expect(fixture.orchestrator.watcherCount()).toBe(0);
  });

  it('ends when its reader goes away', async () => {
    const reader = new AbortController();
    const seen = revisions(await watch({ runId: undefined, afterRevision: 0 }, reader.signal));
    await new Promise((resolve) => setImmediate(resolve));
    reader.abort();
    expect(await seen).toEqual([]);
    expect(fixture.orchestrator.watcherCount()).toBe(0);
  });

  it('ends when the orchestrator stops', async () => {
    const seen = revisions(await watch({ runId: undefined, afterRevision: 0 }));
    await fixture.orchestrator.stop();
    expect(await seen).toEqual([]);
  });

  it('that ends because the orchestrator stops has given all that is durable (promise 6)', async () => {
    const held = Promise.withResolvers<'COMMIT'>();
    const pages = (await watch({ runId: undefined, afterRevision: 0 }))[Symbol.asyncIterator]();
    const rest = { [Symbol.asyncIterator]: () => pages };
    await pages.next();
    const first = pages.next();
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    expect((await first).value).toMatchObject({ revision: 1 });
    // Its reader is busy with that page while a commit is under way, and another one gathers.
    fixture.gate = () => held.promise;
    const underWay = fixture.orchestrator.call('default', 'SubmitRun', chainOf('r2', ['a']));
    const gathering = fixture.orchestrator.call('default', 'SubmitRun', chainOf('r3', ['a']));
    // Until the engine has both.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const stopping = fixture.orchestrator.stop();
    held.resolve('COMMIT');
    expect((await Promise.all([underWay, gathering])).map(({ ok }) => ok)).toEqual([true, true]);
    await stopping;
    expect(await revisions(rest)).toEqual([2, 3]);
  });

  it('is refused for what does not exist', async () => {
    const refused = async (query: WatchQuery) => {
      const reply = await fixture.orchestrator.watch('default', query, ended.signal);
      return reply.ok ? 'ok' : reply.rejection.code;
    };
    expect(await refused({ runId: 'nowhere', afterRevision: undefined })).toBe('RUN_NOT_FOUND');
    expect(await refused({ runId: undefined, afterRevision: 7 })).toBe('REVISION_IN_FUTURE');
  });

  it('that is set up while the engine is dropped ends, or goes on with the new one: it never stands still', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    fixture.gate = async () => 'FAIL';
    const failing = fixture.orchestrator.call('default', 'SubmitRun', chainOf('r2', ['a']));
    const { getRun } = fixture.store;
    Object.assign(fixture.store, {
      getRun: async (...query: Parameters<typeof getRun>) => {
        const row = await getRun(...query);
        await failing;
        return row;
      },
    });
    const seen = revisions(await watch({ runId: 'r', afterRevision: undefined }));
    Object.assign(fixture.store, { getRun });
    fixture.gate = async () => 'COMMIT';
    await (await startWorker(fixture)).complete(1);
    expect(await seen).toEqual(upTo(await fixture.store.latestRevision('default')));
  });

  it('counts, and keeps its namespace, from the moment it is granted', async () => {
    await fixture.orchestrator.stop();
    fixture = await startFixture({ maxNamespaces: 1, maxWatchers: 1 });
    const reader = new AbortController();
    const pages = await watch({ runId: undefined, afterRevision: undefined }, reader.signal);
    expect(fixture.orchestrator.watcherCount()).toBe(1);
    const other = await fixture.orchestrator.call('other', 'ListExecutors', { capability: '' });
    expect(other).toMatchObject({ ok: false, rejection: { code: 'LIMIT_REACHED' } });
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    expect(await revisions(pages, 1)).toEqual([1]);
    await watch({ runId: undefined, afterRevision: undefined }, reader.signal);
    expect(fixture.orchestrator.watcherCount()).toBe(1);
    reader.abort();
    expect(fixture.orchestrator.watcherCount()).toBe(0);
  });

  it('ends at once when its reader goes away during a look-up', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    const reader = new AbortController();
    const pages = (await watch({ runId: 'r', afterRevision: undefined }, reader.signal))[
      Symbol.asyncIterator
    ]();
    await pages.next();
    await pages.next();
    const { getRun } = fixture.store;
    Object.assign(fixture.store, {
      getRun: (...query: Parameters<typeof getRun>) => {
        reader.abort();
        return getRun(...query);
      },
    });
    const startedAtMs = performance.now();
    expect((await pages.next()).done).toBe(true);
    expect(performance.now() - startedAtMs).toBeLessThan(30_000);
  });

  it('begins at any durable revision, also at one that is not published yet', async () => {
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    const published = Promise.withResolvers<void>();
    const durable = Promise.withResolvers<void>();
    const { commit } = fixture.store;
    Object.assign(fixture.store, {
      commit: async (batch: Parameters<typeof commit>[0]) => {
        await commit(batch);
        durable.resolve();
        await published.promise;
      },
    });
    const cancelled = fixture.orchestrator.call('default', 'CancelRun', {
      runId: 'r',
      message: '',
      request: undefined,
    });
    await durable.promise;
    const last = (await fixture.store.getRun('default', 'r'))?.lastRevision ?? 0;
    expect(last).toBeGreaterThan(1);
    const pages = await watch({ runId: 'r', afterRevision: last });
    published.resolve();
    expect(await revisions(pages)).toEqual([]);
    expect((await cancelled).ok).toBe(true);
  });
});
