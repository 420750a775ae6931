// How does a watcher see every event once, whatever happens to its connection?
//
// After a break it goes on from the last revision it was told of (promise 6).

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import {
  OrchestratorService,
  type WatchRequestSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import type { Caller } from './caller.ts';
import { isResumable } from './retryable.ts';

/** What to watch, and how patiently. */
export interface WatchOptions {
  /** Only this run; the iteration ends after its last event. Default: the whole namespace. */
  readonly runId?: string;
  /**
   * Only events after this revision; 0n: all there are. Default: of a run all there are, of a
   * namespace what happens from now on.
   */
  readonly afterRevision?: bigint;
  /** The form of payloads. Default: bytes. */
  readonly payloadForm?: PayloadForm;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
  /** How long without any answer before it throws what was wrong. Default 60 s; Infinity: never. */
  readonly giveUpAfterMs?: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

export async function* watchEvents(
  caller: Caller,
  namespace: string,
  options: WatchOptions,
): AsyncGenerator<Event, void, void> {
  const { signal, giveUpAfterMs = 60_000 } = options;
  const backoff = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  let afterRevision = options.afterRevision;
  let lastAnswerAtMs = Date.now();
  while (!signal?.aborted) {
    const request: MessageInitShape<typeof WatchRequestSchema> = { namespace };
    if (options.runId !== undefined) request.runId = options.runId;
    if (afterRevision !== undefined) request.afterRevision = afterRevision;
    if (options.payloadForm !== undefined) request.payloadForm = options.payloadForm;
    let delayMs = 0;
    try {
      for await (const response of caller.serverStream(OrchestratorService.method.watch, request, signal)) {
        lastAnswerAtMs = Date.now();
        backoff.reset();
        yield* response.events;
        // Also 0n, of a namespace without events: without any, a later watch would begin at what is then
        // the present, and miss what happened during the break.
        if (afterRevision === undefined || response.revision > afterRevision) {
          afterRevision = response.revision;
        }
        // A consumer may take its time; only the silence of the orchestrator counts.
        lastAnswerAtMs = Date.now();
      }
      if (options.runId !== undefined) return;
    } catch (error) {
      if (signal?.aborted) return;
      if (!isResumable(error) || Date.now() - lastAnswerAtMs >= giveUpAfterMs) throw error;
      delayMs = error.retryDelayMs ?? 0;
    }
    await pause(Math.max(delayMs, backoff.nextMs()), signal);
  }
}
