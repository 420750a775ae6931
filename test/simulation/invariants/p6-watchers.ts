// P6: who watches gets every durable event of what is watched, in order, once, over however many streams.

import { type Check, hold, type Seen } from './check.ts';
import type { Observation } from './observation.ts';
import { isStored } from './p3-durable-first.ts';
import { isFinalPhase } from './states.ts';

type Granted = Extract<Observation, { type: 'WatchGranted' }>;
type Watched = Extract<Observation, { type: 'Watched' }>;

interface WatcherModel {
  readonly namespace: string;
  readonly runId: string | undefined;
  stream: number;
  /** Everything up to here was given; undefined: where it begins is not told yet. */
  cursor: number | undefined;
}

const RUN_ENDS: ReadonlySet<string> = new Set(['runCompleted', 'runFailed', 'runCancelled']);

export function checkWatchers({ ledger }: Seen): Check {
  const watchers = new Map<string, WatcherModel>();

  function granted({ watcher, stream, namespace, runId, afterRevision }: Granted): void {
    const known = watchers.get(watcher);
    if (known !== undefined) {
      known.stream = stream;
      return;
    }
    const cursor = afterRevision ?? (runId === undefined ? undefined : 0);
    watchers.set(watcher, { namespace, runId, stream, cursor });
  }

  function watched({ watcher, stream, page }: Watched): void {
    const model = watchers.get(watcher);
    const who = `watcher ${watcher}`;
    hold(
      'P6.1',
      model?.stream === stream,
      () => `${who} got a page of stream ${stream}, and reads ${model?.stream}`,
    );
    if (model === undefined) return;
    const namespace = ledger.of(model.namespace);
    const isWanted = (revision: number) => {
      const run = namespace.everyRun.get(namespace.events[revision - 1]?.run ?? 0);
      return model.runId === undefined || run?.runId === model.runId;
    };
    // A watch of what is new begins with a page that says where.
    model.cursor ??= page.revision;
    let cursor = model.cursor;
    for (const payload of page.events) {
      const revision = isStored(namespace, payload, 'P3.4', `${who} was given`);
      hold('P6.1', revision > cursor, () => `${who} was given revision ${revision} after ${cursor}`);
      hold(
        'P6.3',
        isWanted(revision),
        () => `${who} was given revision ${revision}, and watches run ${model.runId}`,
      );
      complete(model, who, cursor, revision - 1);
      cursor = revision;
    }
    hold('P6.4', page.revision >= cursor && page.revision <= namespace.events.length, () => {
      return `${who} was told that it has seen all up to ${page.revision}; it is at ${cursor}, and ${namespace.events.length} is durable`;
    });
    complete(model, who, cursor, page.revision);
    model.cursor = page.revision;
  }

  /** What was deleted need not be shown any more. */
  function complete({ namespace, runId }: WatcherModel, who: string, after: number, to: number): void {
    const { events, runs } = ledger.of(namespace);
    for (let revision = after + 1; revision <= to; revision++) {
      const run = runs.get(events[revision - 1]?.run ?? 0);
      const isMissed = run !== undefined && (runId === undefined || run.runId === runId);
      hold('P6.2', !isMissed, () => {
        return `${who} went from revision ${after} to ${to} without ${revision}, ${events[revision - 1]?.type} of run ${run?.runId}`;
      });
    }
  }

  function ended({ watcher }: Extract<Observation, { type: 'WatchEnded' }>): void {
    const model = watchers.get(watcher);
    if (model?.runId === undefined) return;
    const { runIds, events } = ledger.of(model.namespace);
    const run = runIds.get(model.runId);
    if (run === undefined) return;
    const seen = events.findLast((event, index) => index < (model.cursor ?? 0) && event.run === run.number);
    hold('P6.5', seen !== undefined && RUN_ENDS.has(seen.type), () => {
      return `watcher ${watcher} was told that run ${model.runId} is over, and the last that it saw was ${seen?.type}`;
    });
  }

  return {
    see(observation) {
      if (observation.type === 'WatchGranted') granted(observation);
      if (observation.type === 'Watched') watched(observation);
      if (observation.type === 'WatchEnded') ended(observation);
    },
    async atRest() {
      for (const [watcher, { namespace, runId, cursor }] of watchers) {
        const { events, runIds } = ledger.of(namespace);
        const run = runId === undefined ? undefined : runIds.get(runId);
        // A watch of a run ends with the run, however often it was done again after that.
        const sawEnd = events.some(
          (event, index) => index < (cursor ?? 0) && event.run === run?.number && RUN_ENDS.has(event.type),
        );
        const isDone = runId === undefined ? (cursor ?? 0) === events.length : run === undefined || sawEnd;
        hold('P6.6', isDone && (run === undefined || isFinalPhase(run.phase)), () => {
          return `watcher ${watcher} of ${runId ?? 'all'} has seen all up to ${cursor} of ${events.length}, and nothing more comes`;
        });
      }
    },
  };
}
