// Somebody who reads a stream of events, slowly or fast, and goes on from what they saw last after each break.

import type { WatchPage } from '../../../services/orchestrator/src/runtime/orchestrator.ts';
import { StoreError } from '../../../services/orchestrator/src/store/port.ts';
import type { Observation } from '../invariants/observation.ts';
import type { WatcherPlan } from '../scenario/plan.ts';
import type { Coverage } from './coverage.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Time } from './time.ts';

export interface WatcherDependencies {
  readonly plan: WatcherPlan;
  /** Undefined for the whole namespace. */
  readonly runId: string | undefined;
  readonly time: Time;
  readonly random: Random;
  readonly coverage: Coverage;
  readonly see: (observation: Observation) => void;
  /** A process that serves; undefined if there is none. */
  readonly route: () => Process | undefined;
  readonly truth: () => Promise<Truth>;
}

/** What is durable. */
export interface Truth {
  readonly latestRevision: number;
  /** Of the watched run: the revision of its last event, if it is over; undefined if it is not. */
  readonly overAt: number | undefined;
  /** The watched run is not there, or not any more. */
  readonly isGone: boolean;
}

export interface Watcher {
  /** The process has ended: whoever was connected to it notices. */
  disconnected(process: Process): void;
  /** From here on nothing breaks its streams, and it reads fast. */
  behave(): void;
  /** Whether it has seen all there is. */
  isDone(truth: Truth): boolean;
  truth(): Promise<Truth>;
  stop(): void;
}

const PAUSE_MS = 300;
const BREAK_SHARE = 0.08;
const SLOW_SHARE = 0.3;
const SLOW_MS = 4_000;

interface Stream {
  readonly number: number;
  readonly process: Process;
  readonly signal: AbortController;
}

export function startWatcher(dependencies: WatcherDependencies): Watcher {
  const { plan, runId, time, random, coverage, see } = dependencies;
  const { namespace } = plan;
  let faulty = true;
  let stopped = false;
  let isOver = false;
  let seen: number | undefined;
  let streams = 0;
  let current: Stream | undefined;

  const isOpen = (stream: Stream) => stream === current && stream.process.life.state() !== 'ENDED';
  const about = (stream: Stream) => ({ atMs: time.nowMs(), watcher: plan.id, stream: stream.number });

  async function open(): Promise<void> {
    const process = dependencies.route();
    if (stopped || isOver || current !== undefined) return;
    if (process === undefined) {
      later();
      return;
    }
    streams += 1;
    const stream: Stream = { number: streams, process, signal: new AbortController() };
    current = stream;
    const afterRevision = seen;
    const query = { runId, afterRevision };
    try {
      const granted = await process.orchestrator.watch(namespace, query, stream.signal.signal);
      if (!isOpen(stream)) return;
      if (granted.ok) {
        see({ type: 'WatchGranted', ...about(stream), namespace, runId, afterRevision });
        await read(granted.value, stream);
      } else end(stream);
    } catch (error) {
      // The store could not be read: the door says so, and the watcher comes again.
      if (!(error instanceof StoreError)) throw error;
      end(stream);
    }
  }

  async function read(pages: AsyncIterable<WatchPage>, stream: Stream): Promise<void> {
    for await (const page of pages) {
      await transmission(stream);
      if (!isOpen(stream)) return;
      if (faulty && random.chance(BREAK_SHARE)) {
        coverage.fault('WATCHER_BROKEN_OFF');
        end(stream);
        return;
      }
      see({ type: 'Watched', ...about(stream), page });
      seen = page.revision;
    }
    if (!isOpen(stream)) return;
    // As the door has it: a stream that ends before that was broken off.
    const { overAt, isGone } = await dependencies.truth();
    if (runId !== undefined && (isGone || (overAt !== undefined && (seen ?? 0) >= overAt))) {
      isOver = true;
      current = undefined;
      see({ type: 'WatchEnded', ...about(stream) });
    } else end(stream);
  }

  /** A page is on its way: the process may end, the stream may break, and nobody has seen it. */
  function transmission({ process }: Stream): Promise<void> {
    const slow = faulty && plan.slow && random.chance(SLOW_SHARE);
    if (slow) coverage.fault('SLOW_WATCHER');
    return new Promise((resolve) => process.life.after(random.below(slow ? SLOW_MS : 3), resolve));
  }

  function end(stream: Stream): void {
    if (stream !== current) return;
    current = undefined;
    stream.signal.abort();
    later();
  }

  function later(): void {
    time.after(PAUSE_MS, () => void open());
  }

  void open();
  return {
    disconnected(process) {
      if (current?.process === process) end(current);
    },
    behave() {
      faulty = false;
    },
    isDone: (truth) => (runId === undefined ? (seen ?? 0) >= truth.latestRevision : isOver || truth.isGone),
    truth: dependencies.truth,
    stop() {
      stopped = true;
      if (current !== undefined) end(current);
    },
  };
}
