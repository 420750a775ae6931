// A disk, and the store that each process of the orchestrator opens on it.
//
// The store's contract (store/port.ts) is kept by the store in memory; here it gets a disk's ways: it takes
// time, one write after the other; it fails before or after a write has taken effect; and a process that is
// killed does not learn what became of the write under way. Once a write is told of as durable, nothing takes
// it back: what that needs of a real disk is test/power-loss's to show.

import {
  createMemoryPlace,
  openMemoryStore,
} from '../../../services/orchestrator/src/store/memory/memory-store.ts';
import { createNamespaceData } from '../../../services/orchestrator/src/store/memory/namespace-data.ts';
import { type CommitBatch, type Store, StoreError } from '../../../services/orchestrator/src/store/port.ts';
import type { RunChange } from '../../../services/orchestrator/src/store/port-run-life.ts';
import type { Observation, ProcessId } from '../invariants/observation.ts';
import type { Coverage } from './coverage.ts';
import type { ProcessLife } from './process-life.ts';
import type { Random } from './random.ts';
import type { Time } from './time.ts';

export type DiskTrouble = 'NONE' | 'FULL' | 'ERRORS' | 'READ_ERRORS' | 'SLOW';

export interface Disk {
  /** What it suffers from, whoever uses it. */
  trouble: DiskTrouble;
  /** The share of writes that take effect, and are told to have failed. */
  unknownOutcomes: number;
  /** Called around each commit: a process may be crashed right there. */
  around: (process: ProcessId, moment: 'BEFORE_COMMIT' | 'AFTER_COMMIT') => void;
  open(process: ProcessId, life: ProcessLife): Store;
  /** The process is gone: decides what becomes of the write under way. */
  killed(process: ProcessId, how: 'KILL' | 'POWER_LOSS'): void;
  /** What is on it, without any of its ways. */
  read(): Store;
}

export interface DiskDependencies {
  readonly time: Time;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly see: (observation: Observation) => void;
}

const WRITES: ReadonlySet<string> = new Set([
  'claim',
  'commit',
  'changeWorkflows',
  'changeRun',
  'setRetention',
  'putPayload',
  'dropUpload',
  'renewPayloads',
  'prunePayloads',
  'pruneRequests',
  'sweepDeletedRuns',
] satisfies (keyof Store)[]);

type Work = () => Promise<unknown>;

export function createDisk({ time, random, coverage, see }: DiskDependencies): Disk {
  const place = createMemoryPlace();
  /** By process: what makes its present write durable. */
  const underWay = new Map<ProcessId, Work>();
  /** Who opened it last has it, as if by a lock: see store/sqlite/lock. Others are fenced at the latest by a claim. */
  let owner: ProcessId = 0;
  const openAgain = () => openMemoryStore({ namespaces: place.namespaces, inUse: false });

  const disk: Disk = {
    trouble: 'NONE',
    unknownOutcomes: 0,
    around: () => {},
    open(process, life) {
      const inner = openAgain();
      owner = process;
      // Whoever it is taken from finds out by its next write, in namespaces that are not loaded here, too.
      for (const data of place.namespaces.values()) data.claim();
      let last: Promise<unknown> = Promise.resolve();
      return withWays(inner, {
        read: (work) => readOne(life, work),
        write(method, args) {
          const before = last;
          const mine = (async () => {
            await before;
            return writeOne(process, life, method, () => apply(process, inner, method, args));
          })();
          last = mine.catch(() => {});
          return mine;
        },
      });
    },
    killed(process, how) {
      const write = underWay.get(process);
      underWay.delete(process);
      if (write === undefined) return;
      // A killed process has handed some of its writes to the system already; without power they are gone.
      const reached = how === 'KILL' && random.chance(0.5);
      coverage.fault(reached ? 'CRASH_AFTER_COMMIT' : 'CRASH_BEFORE_COMMIT');
      if (reached) write().catch(() => {});
    },
    read: openAgain,
  };

  function writeOne(
    process: ProcessId,
    life: ProcessLife,
    method: keyof Store,
    work: Work,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (method === 'commit') disk.around(process, 'BEFORE_COMMIT');
      if (life.state() === 'ENDED') return;
      underWay.set(process, work);
      time.after(latencyMs(), () => {
        // Killed meanwhile: what became of it is decided already.
        if (underWay.get(process) !== work) return;
        underWay.delete(process);
        const failure = failureOfWrite();
        const outcome = failure === 'NOT_WRITTEN' ? Promise.resolve() : work();
        outcome.catch(() => {});
        if (method === 'commit') disk.around(process, 'AFTER_COMMIT');
        life.after(random.below(2), () => {
          if (failure === undefined) outcome.then(resolve, reject);
          else reject(new StoreError('FAILED', `simulated: ${failure}`));
        });
      });
    });
  }

  /** At once, so that what is told of it comes before whatever follows from it. */
  function apply(process: ProcessId, inner: Store, method: keyof Store, args: readonly unknown[]) {
    const atMs = time.nowMs();
    try {
      if (method === 'commit') {
        const batch = args[0] as CommitBatch;
        dataOf(batch.namespace).commit(batch);
        see({ type: 'Durable', atMs, process, batch });
        return Promise.resolve();
      }
      if (method === 'changeRun') {
        const change = args[0] as RunChange;
        const outcome = dataOf(change.namespace).changeRun(change);
        if (outcome === 'DONE') see({ type: 'RunChanged', atMs, process, change });
        return Promise.resolve(outcome);
      }
      if (method === 'claim' && process !== owner) {
        throw new StoreError('FENCED', 'simulated: another process has opened the store');
      }
      if (method === 'claim') {
        const [namespace] = args as [string];
        return inner.claim(namespace).then((claim) => {
          see({ type: 'Claimed', atMs, process, namespace, epoch: claim.epoch });
          return claim;
        });
      }
      return callOf(inner, method)(...args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  function dataOf(namespace: string) {
    return place.namespaces.get(namespace) ?? createNamespaceData();
  }

  /** It is read at one moment, and told later. */
  function readOne(life: ProcessLife, work: Work): Promise<unknown> {
    return new Promise((resolve, reject) => {
      life.after(random.below(3), () => {
        const fails = disk.trouble === 'READ_ERRORS' && random.chance(0.5);
        if (fails) coverage.fault('DISK_READ_ERROR');
        const outcome = fails ? Promise.reject(new StoreError('FAILED', 'simulated: unreadable')) : work();
        outcome.catch(() => {});
        life.after(random.below(2), () => void outcome.then(resolve, reject));
      });
    });
  }

  function failureOfWrite(): 'NOT_WRITTEN' | 'WRITTEN' | undefined {
    if (disk.trouble === 'FULL') {
      coverage.fault('DISK_FULL');
      return 'NOT_WRITTEN';
    }
    if (disk.trouble === 'ERRORS' && random.chance(0.5)) {
      coverage.fault('DISK_ERROR');
      return random.chance(0.5) ? 'NOT_WRITTEN' : 'WRITTEN';
    }
    if (!random.chance(disk.unknownOutcomes)) return undefined;
    coverage.fault('UNKNOWN_OUTCOME');
    return 'WRITTEN';
  }

  function latencyMs(): number {
    if (disk.trouble !== 'SLOW') return 1 + random.below(4);
    coverage.fault('DISK_SLOW');
    return random.between(50, 3_000);
  }

  return disk;
}

interface Ways {
  read(work: Work): Promise<unknown>;
  write(method: keyof Store, args: readonly unknown[]): Promise<unknown>;
}

/** The same store, every question and every change of which goes through a disk's ways. */
function withWays(inner: Store, ways: Ways): Store {
  return new Proxy(inner, {
    get(_target, property) {
      const method = property as keyof Store;
      // Ends at once: a process that closes its store is done with everything else.
      if (method === 'close') return inner.close;
      if (method === 'loadActiveRuns') {
        return async function* (namespace: string) {
          const runs = await ways.read(async () => {
            const found = [];
            for await (const run of inner.loadActiveRuns(namespace)) found.push(run);
            return found;
          });
          yield* runs as Iterable<unknown>;
        };
      }
      return (...args: readonly unknown[]) =>
        WRITES.has(method) ? ways.write(method, args) : ways.read(() => callOf(inner, method)(...args));
    },
  });
}

function callOf(inner: Store, method: keyof Store): (...args: readonly unknown[]) => Promise<unknown> {
  return inner[method] as (...args: readonly unknown[]) => Promise<unknown>;
}
