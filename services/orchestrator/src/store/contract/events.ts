// S5 and the ways to read events: by namespace, by run, by task; in order, in pages.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { EventRecord } from '../port.ts';
import { batch, bytes, event, NAMESPACE, newRun, runStatus } from './batches.ts';

const ALL = { afterRevision: 0, run: undefined, limit: 10_000, limitBytes: 1e9 };

/** Two runs, 1 and 2, whose events alternate; tasks 0, 1, 2 in turn. */
async function commitInterleaved(test: StoreUnderTest, count: number): Promise<readonly EventRecord[]> {
  const { epoch } = await test.store().claim(NAMESPACE);
  const events = Array.from({ length: count }, (_, i) =>
    event(i + 1, { run: 1 + (i % 2), task: i < 2 ? -1 : Math.floor(i / 2) % 3 }),
  );
  const [newRuns, runs] = [
    [newRun(1), newRun(2)],
    [runStatus(1), runStatus(2)],
  ];
  await test.store().commit(batch(epoch, { events, newRuns, runs }));
  return events;
}

export function describeEvents(test: StoreUnderTest): void {
  describe('events', () => {
    it('S5: gives back every byte, with and without attachment, empty ones too', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const everyByte = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
      const large = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 31) % 251);
      const events = [
        event(1, { payload: everyByte, attachment: everyByte.slice(7) }),
        event(2, { payload: new Uint8Array(0), attachment: undefined }),
        event(3, { payload: new Uint8Array(0), attachment: new Uint8Array(0) }),
        event(4, { task: 1, payload: large, attachment: large.slice(1) }),
        event(5, { task: 0, payload: everyByte.subarray(3, 9) }),
      ];
      await test.store().commit(batch(epoch, { events, newRuns: [newRun(1)], runs: [runStatus(1)] }));
      expect(await test.store().readEvents(NAMESPACE, ALL)).toEqual(events);
      expect(await test.store().readEvents(NAMESPACE, { ...ALL, run: 1 })).toEqual(events);
      expect(await test.store().readTaskEvents(NAMESPACE, 1, [1])).toEqual(events.slice(3, 4));
    });

    it('reads a namespace in pages without gap or repetition', async () => {
      const events = await commitInterleaved(test, 100);
      const read: EventRecord[] = [];
      while (read.length < events.length) {
        const page = await test
          .store()
          .readEvents(NAMESPACE, { ...ALL, afterRevision: read.length, limit: 7 });
        expect(page.length).toBe(Math.min(7, events.length - read.length));
        read.push(...page);
      }
      expect(read).toEqual(events);
      expect(await test.store().readEvents(NAMESPACE, { ...ALL, afterRevision: 100 })).toEqual([]);
    });

    it('reads one run only, after a revision, up to a limit', async () => {
      const events = await commitInterleaved(test, 40);
      const ofRun = events.filter((one) => one.run === 2);
      expect(await test.store().readEvents(NAMESPACE, { ...ALL, run: 2 })).toEqual(ofRun);
      const page = await test.store().readEvents(NAMESPACE, { ...ALL, run: 2, afterRevision: 11, limit: 3 });
      expect(page.map((one) => one.revision)).toEqual([12, 14, 16]);
      expect(await test.store().readEvents(NAMESPACE, { ...ALL, run: 3 })).toEqual([]);
    });

    it('stops before a page exceeds its bytes, but always gives one event', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const [payload, attachment] = [bytes('12345678'), bytes('90')];
      const events = [1, 2, 3, 4].map((revision) => event(revision, { payload, attachment }));
      await test.store().commit(batch(epoch, { events, newRuns: [newRun(1)], runs: [runStatus(1)] }));
      const lengthFor = async (limitBytes: number): Promise<number> =>
        (await test.store().readEvents(NAMESPACE, { ...ALL, limitBytes })).length;
      expect(await lengthFor(1)).toBe(1);
      expect(await lengthFor(19)).toBe(1);
      expect(await lengthFor(20)).toBe(2);
      expect(await lengthFor(39)).toBe(3);
      expect(await lengthFor(1_000)).toBe(4);
    });

    it("reads the events of some tasks of a run by revision, and nobody else's", async () => {
      const events = await commitInterleaved(test, 60);
      const wanted = events.filter((one) => one.run === 1 && (one.task === 2 || one.task === 0));
      expect(await test.store().readTaskEvents(NAMESPACE, 1, [2, 0])).toEqual(wanted);
      expect(await test.store().readTaskEvents(NAMESPACE, 1, [])).toEqual([]);
      expect(await test.store().readTaskEvents(NAMESPACE, 1, [99])).toEqual([]);
    });

    it('knows no revision of a namespace that does not exist', async () => {
      expect(await test.store().latestRevision('nowhere')).toBe(0);
      expect(await test.store().readEvents('nowhere', ALL)).toEqual([]);
    });
  });
}
