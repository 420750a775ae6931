// How does the orchestrator know that the executor lives, and what it holds?
//
// One heartbeat at a time, every interval; earlier when there is news, but not oftener than
// EARLY_PAUSE_MS. Not answered: repeated with growing pauses, at most the interval.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  ExecutorPhase,
  type HeartbeatAck,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { createBackoff } from '../backoff.ts';
import type { Attempts } from './attempts.ts';
import type { Settings } from './options.ts';
import { reasonName, requestTimeoutMs, type Session, type SessionKeeper } from './session.ts';
import type { Transport } from './transport.ts';

/** Keeps the leases alive. */
export interface Heartbeats {
  /** What every heartbeat says. */
  readonly phase: ExecutorPhase;
  /** Beats from now on. */
  start(): void;
  /** An attempt said something: beat soon. */
  soon(): void;
  /** Beats now, and once more after SECOND_LOOK_MS: the connection is back. */
  kick(): void;
  /** Every heartbeat says so from now on; resolves when the first was answered. */
  changePhase(phase: ExecutorPhase): Promise<void>;
  close(): void;
}

const EARLY_PAUSE_MS = 250;
const FIRST_PAUSE_MS = 50;
// An assignment that was lost with the connection is not sent again while it is younger than a second:
// it could still be on its way. The interval may be much longer than that.
const SECOND_LOOK_MS = 1_250;
// Where a server takes larger messages, a heartbeat still should not keep others waiting.
const LARGEST_BYTES = 1_024 * 1_024;
// Executor id, session, headers.
const FIXED_BYTES = 4_096;

export function createHeartbeats(
  settings: Settings,
  transport: Transport,
  sessions: SessionKeeper,
  attempts: Attempts,
): Heartbeats {
  const subject = `${settings.prefix}.${settings.namespace}.executors.heartbeat`;
  let phase: ExecutorPhase = ExecutorPhase.ACTIVE;
  let phaseListeners: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = Number.POSITIVE_INFINITY;
  let lastBeatAtMs = 0;
  let isBeating = false;
  let wantedInMs = Number.POSITIVE_INFINITY;
  let isBack = false;
  let isClosed = false;
  let backoff = createBackoff(FIRST_PAUSE_MS, FIRST_PAUSE_MS);

  const planIn = (pauseMs: number) => {
    if (isClosed) return;
    if (isBeating) {
      wantedInMs = Math.min(wantedInMs, pauseMs);
      return;
    }
    const atMs = performance.now() + pauseMs;
    if (atMs >= dueAtMs) return;
    dueAtMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(() => void beat(), pauseMs);
  };

  const beat = async () => {
    dueAtMs = Number.POSITIVE_INFINITY;
    const session = sessions.current;
    if (session === undefined || isClosed) return;
    isBeating = true;
    lastBeatAtMs = performance.now();
    let nextMs = session.heartbeatIntervalMs;
    const isFirstLook = isBack;
    try {
      await request(session);
      if (isFirstLook) {
        isBack = false;
        nextMs = Math.min(nextMs, SECOND_LOOK_MS);
      }
      backoff = createBackoff(FIRST_PAUSE_MS, session.heartbeatIntervalMs);
    } catch (error) {
      if (isClosed) return;
      settings.logger.warn(
        { executorId: settings.id, error: String(error) },
        'heartbeat not answered; repeating',
      );
      nextMs = backoff.nextMs();
    } finally {
      isBeating = false;
    }
    nextMs = Math.min(nextMs, wantedInMs);
    wantedInMs = Number.POSITIVE_INFINITY;
    planIn(nextMs);
  };

  const request = async (session: Session) => {
    const said = attempts.say(Math.min(LARGEST_BYTES, transport.maxMessageBytes) - FIXED_BYTES);
    const message = create(HeartbeatRequestSchema);
    message.executorId = settings.id;
    message.session = session.token;
    message.phase = phase;
    message.attempts = said;
    const listeners = [...phaseListeners];
    try {
      const data = await transport.request(
        subject,
        toBinary(HeartbeatRequestSchema, message),
        requestTimeoutMs(session),
      );
      const { result } = fromBinary(HeartbeatResponseSchema, data);
      if (result.case === undefined) throw new Error('an empty answer to a heartbeat');
      if (result.case === 'error') {
        const { reason } = result.value;
        if (reason === ErrorReason.UNKNOWN_SESSION) {
          await sessions.renew(session);
          attempts.unsay(said);
          wantedInMs = 0;
          return;
        }
        throw new Error(`${reasonName(reason)}: ${result.value.message}`);
      }
      obey(result.value);
    } catch (error) {
      attempts.unsay(said);
      throw error;
    }
    phaseListeners = phaseListeners.filter((listener) => !listeners.includes(listener));
    for (const listener of listeners) listener();
  };

  const obey = (ack: HeartbeatAck) => {
    for (const token of ack.dropped) attempts.drop(token);
    for (const assignment of ack.missing) attempts.start(assignment);
    for (const cancellation of ack.cancellations) attempts.cancel(cancellation);
  };

  return {
    get phase() {
      return phase;
    },
    start: () => planIn(sessions.current?.heartbeatIntervalMs ?? 0),
    soon() {
      planIn(Math.max(0, lastBeatAtMs + EARLY_PAUSE_MS - performance.now()));
    },
    kick() {
      isBack = true;
      planIn(0);
    },
    changePhase(next) {
      phase = next;
      return new Promise((resolve) => {
        phaseListeners.push(resolve);
        planIn(0);
      });
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
