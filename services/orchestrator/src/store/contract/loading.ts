// Coming back after a restart: which namespaces and runs are to be loaded, and with what.

import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import {
  batch,
  bytes,
  collect,
  event,
  NAMESPACE,
  newRun,
  newTasks,
  runStatus,
  submission,
} from './batches.ts';

export function describeLoading(test: StoreUnderTest): void {
  describe('loading', () => {
    it('names the namespaces with a run that is not final', async () => {
      expect(await test.store().activeNamespaces()).toEqual([]);
      for (const namespace of ['b', 'empty', 'a']) {
        const { epoch } = await test.store().claim(namespace);
        if (namespace !== 'empty') await test.store().commit({ ...submission(epoch, 1), namespace });
      }
      expect(await test.store().activeNamespaces()).toEqual(['a', 'b']);
      const ended = { namespace: 'a', runs: [runStatus(1, { phase: 'FAILED' })] } as const;
      await test.store().commit(batch(1, ended));
      expect(await test.store().activeNamespaces()).toEqual(['b']);
    });

    it('gives every run that is not final, by number, whole, and no other', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const record = Uint8Array.from({ length: 256 * 1024 }, (_, i) => i % 256);
      const events = [
        ...[1, 2, 3, 4].map((run) => event(run, { run })),
        event(5, { run: 3, task: 1, payload: bytes('ü'), attachment: bytes('token') }),
        event(6, { run: 1, task: 0 }),
        event(7, { run: 3, task: 0, payload: new Uint8Array(0) }),
      ];
      await test.store().commit(
        batch(epoch, {
          events,
          newRuns: [
            newRun(1),
            newRun(2),
            newRun(3, { record, tasks: newTasks(12) }),
            newRun(4, { tasks: [] }),
          ],
          runs: [
            runStatus(1, { phase: 'CANCELLING' }),
            runStatus(2, { phase: 'COMPLETED' }),
            runStatus(3),
            runStatus(4),
          ],
        }),
      );
      const loaded = await collect(test.store().loadActiveRuns(NAMESPACE));
      const specsOf = (count: number) => newTasks(count).map((task) => task.spec);
      const eventsOf = (run: number) => events.filter((one) => one.run === run);
      expect(loaded).toEqual([
        { run: 1, runId: 'run-1', record: bytes('record 1'), taskSpecs: specsOf(2), events: eventsOf(1) },
        { run: 3, runId: 'run-3', record, taskSpecs: specsOf(12), events: eventsOf(3) },
        { run: 4, runId: 'run-4', record: bytes('record 4'), taskSpecs: [], events: eventsOf(4) },
      ]);
      expect(await collect(test.store().loadActiveRuns('nowhere'))).toEqual([]);
    });

    it('gives more runs than it gathers at a time, also when the reader stops early', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const numbers = Array.from({ length: 1_000 }, (_, i) => i + 1);
      await test.store().commit(
        batch(epoch, {
          events: numbers.map((run) => event(run, { run })),
          newRuns: numbers.map((run) => newRun(run)),
          runs: numbers.map((run) =>
            runStatus(run, {
              phase: (['RUNNING', 'CANCELLING', 'COMPENSATING'] as const)[run % 3] ?? 'RUNNING',
            }),
          ),
        }),
      );
      for await (const run of test.store().loadActiveRuns(NAMESPACE)) {
        if (run.run === 3) break;
      }
      const loaded = await collect(test.store().loadActiveRuns(NAMESPACE));
      expect(loaded.map((run) => run.run)).toEqual(numbers);
      expect(loaded.map((run) => run.events.length)).toEqual(numbers.map(() => 1));
    });

    it('gives runs that together are larger than one answer', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      const payload = new Uint8Array(3 * 1024 * 1024).fill(7);
      for (let run = 1; run <= 6; run += 1) {
        await test.store().commit({ ...submission(epoch, run), events: [event(run, { run, payload })] });
      }
      const loaded = await collect(test.store().loadActiveRuns(NAMESPACE));
      expect(loaded.map((run) => [run.run, run.events[0]?.payload.length])).toEqual(
        [1, 2, 3, 4, 5, 6].map((run) => [run, payload.length]),
      );
    });

    it('gives one run by its id, final or not, as it gives those that are not', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      await test.store().commit(submission(epoch, 2));
      const [active] = await collect(test.store().loadActiveRuns(NAMESPACE));
      expect(await test.store().loadRun(NAMESPACE, 'run-1')).toEqual(active);
      await test.store().commit(batch(epoch, { runs: [runStatus(1, { phase: 'FAILED' })] }));
      expect(await test.store().loadRun(NAMESPACE, 'run-1')).toEqual(active);
      expect(await test.store().loadRun(NAMESPACE, 'run-3')).toBeUndefined();
      expect(await test.store().loadRun('nowhere', 'run-1')).toBeUndefined();
    });

    it('counts a run that goes on after its end as one that is not final', async () => {
      const { epoch } = await test.store().claim(NAMESPACE);
      await test.store().commit(submission(epoch, 1));
      await test.store().commit(batch(epoch, { runs: [runStatus(1, { phase: 'FAILED', endedAtMs: 7 })] }));
      await test.store().commit(batch(epoch, { runs: [runStatus(1)] }));
      expect(await test.store().activeNamespaces()).toEqual([NAMESPACE]);
      expect(await collect(test.store().loadActiveRuns(NAMESPACE))).toHaveLength(1);
      expect(await test.store().getRun(NAMESPACE, 'run-1')).toMatchObject({ endedAtMs: undefined });
    });
  });
}
