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

  it('is refused for what does not exist', async () => {
    const refused = async (query: WatchQuery) => {
      const reply = await fixture.orchestrator.watch('default', query, ended.signal);
      return reply.ok ? 'ok' : reply.rejection.code;
    };
    expect(await refused({ runId: 'nowhere', afterRevision: undefined })).toBe('RUN_NOT_FOUND');
    expect(await refused({ runId: undefined, afterRevision: 7 })).toBe('REVISION_IN_FUTURE');
  });
});
