// How are events watched?
//
// W1  Nothing is buffered for a reader beyond one answer: the next page is asked for when the door
//     has taken the one before.
// W2  A reader that takes nothing for `slowReaderMs` is told so and cut (WATCHER_TOO_SLOW).
// W3  No answer is larger than clients accept by default: large pages are sent in parts.
// W4  A stream ends well only after its run's last event; one that ends because the engine behind it
//     is gone says so, lest its reader take it for the end.

import type { WatchRequest } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { accept, type Result, reject } from '../../domain/rejection.ts';
import { isFinalRun } from '../../domain/states.ts';
import type { Orchestrator, WatchPage } from '../../runtime/orchestrator.ts';
import { type Call, type CallContext, namespaceOf } from '../call.ts';
import { notServing, toConnectError } from '../errors.ts';
import { splitPage } from '../messages/watch-page.ts';
import type { StreamHandler } from '../method.ts';

export interface WatchDeps {
  readonly orchestrator: Pick<Orchestrator, 'watch' | 'queries'>;
  readonly slowReaderMs: number;
  /** Told of each reader that is cut. */
  readonly watcherCut: () => void;
}

export function createWatchHandler(deps: WatchDeps): StreamHandler<WatchRequest, WatchPage> {
  return (request, call) => watch(deps, request, call);
}

async function watch(
  deps: WatchDeps,
  request: WatchRequest,
  { context }: Call,
): Promise<Result<AsyncIterable<WatchPage>>> {
  const { runId, afterRevision } = request;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const query = {
    runId: runId === '' ? undefined : runId,
    afterRevision: afterRevision === undefined ? undefined : Number(afterRevision),
  };
  const pages = await deps.orchestrator.watch(namespaceOf(request), query, signal);
  if (!pages.ok) return pages;
  const whole = untilItsEnd(deps, namespaceOf(request), runId, pages.value, signal);
  return accept(guardReader(whole, deps, context, stop));
}

/** W4. */
export async function* untilItsEnd(
  deps: { readonly orchestrator: Pick<Orchestrator, 'queries'> },
  namespace: string,
  runId: string,
  pages: AsyncIterable<WatchPage>,
  signal: AbortSignal,
): AsyncGenerator<WatchPage> {
  let given = 0;
  for await (const page of pages) {
    yield page;
    given = page.revision;
  }
  if (signal.aborted) return;
  const row = runId === '' ? undefined : await deps.orchestrator.queries.getRun(namespace, runId);
  // A final run is not enough: the pages may have ended before they came to its last events.
  if (row === undefined || !isFinalRun(row.phase) || given < row.lastRevision) throw notServing();
}

/** W1, W2, W3. Ends `stop` when the reader is too slow, so that what feeds the pages is freed at once. */
async function* guardReader(
  pages: AsyncIterable<WatchPage>,
  { slowReaderMs, watcherCut }: WatchDeps,
  context: CallContext,
  stop: AbortController,
): AsyncGenerator<WatchPage> {
  const source = pages[Symbol.asyncIterator]();
  let taken: number | undefined;
  let tooSlow: Error | undefined;
  let timer: NodeJS.Timeout | undefined;
  function giveUp(): void {
    const error = watcherTooSlow(slowReaderMs, taken);
    tooSlow = error;
    watcherCut();
    stop.abort(error);
    // The source waits to be asked for more: it ends here, not when the reader comes back.
    source.return?.().catch(() => {});
    context.cut?.(error);
  }
  try {
    for (let next = await source.next(); !next.done; next = await source.next()) {
      for (const part of splitPage(next.value)) {
        timer = setTimeout(giveUp, slowReaderMs);
        yield part;
        clearTimeout(timer);
        if (tooSlow !== undefined) throw tooSlow;
        taken = part.revision;
      }
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
    await source.return?.();
  }
}

function watcherTooSlow(slowReaderMs: number, taken: number | undefined) {
  const message = `The watcher took nothing for ${slowReaderMs / 1_000} s; resume from the last revision seen.`;
  const metadata: Record<string, string> = taken === undefined ? {} : { revision: String(taken) };
  return toConnectError(reject('WATCHER_TOO_SLOW', message, metadata).rejection);
}
