// Is the executor registered, and with which session?
//
// One registration at a time. A session that the orchestrator no longer knows is renewed with the
// attempts that are held; work goes on meanwhile (protocol, point 6).

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorReason } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import {
  type ExecutorPhase,
  type ProtocolError,
  RegisterRequestSchema,
  RegisterResponseSchema,
} from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { createBackoff, pause } from '../backoff.ts';
import { durationToMs } from '../durations.ts';
import { ExecutorRefusedError } from './errors.ts';
import type { Settings } from './options.ts';
import type { Transport } from './transport.ts';

/** What the orchestrator granted. */
export interface Session {
  readonly token: string;
  readonly leaseDurationMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPayloadBytes: number;
}

/** How long to wait for an answer before repeating: soon enough that a lease outlives a lost one. */
export function requestTimeoutMs(session: Session): number {
  return Math.min(LONGEST_REQUEST_MS, Math.max(SHORTEST_REQUEST_MS, session.leaseDurationMs / 3));
}

/** Keeps the executor registered. */
export interface SessionKeeper {
  readonly current: Session | undefined;
  /**
   * Resolves when a session other than `unknown` is there. Rejects with ExecutorRefusedError if
   * the first registration is refused for good, or when `signal` is aborted.
   */
  renew(unknown: Session | undefined): Promise<Session>;
}

const REQUEST_TIMEOUT_MS = 2_000;
const LONGEST_REQUEST_MS = 5_000;
const SHORTEST_REQUEST_MS = 250;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
// A session that lives shorter than this was probably taken by a second process with the same id:
// the pauses then grow, so that the two do not drive each other out at full speed.
const SHORT_LIFE_MS = 5_000;

export function createSessionKeeper(
  settings: Settings,
  transport: Transport,
  phase: () => ExecutorPhase,
  held: () => string[],
  drop: (leaseToken: string) => void,
  signal: AbortSignal,
): SessionKeeper {
  let current: Session | undefined;
  let registeredAtMs = Number.NEGATIVE_INFINITY;
  let renewing: Promise<Session> | undefined;
  const backoff = createBackoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);

  const register = async (): Promise<Session> => {
    const tokens = held();
    const request = create(RegisterRequestSchema, {
      executorId: settings.id,
      capabilities: [...settings.capabilities].map(([name, capability]) => ({
        name,
        version: capability.version ?? '',
        maxConcurrency: capability.maxConcurrency ?? 0,
      })),
      labels: { ...settings.labels },
      slots: settings.slots,
      // An orchestrator that has restarted knows of no draining.
      phase: phase(),
      held: tokens,
    });
    const answer = await transport.request(
      `${settings.prefix}.${settings.namespace}.executors.register`,
      toBinary(RegisterRequestSchema, request),
      REQUEST_TIMEOUT_MS,
    );
    const { result } = fromBinary(RegisterResponseSchema, answer);
    if (result.case === 'error') throw refusal(result.value);
    if (result.case === undefined) throw new Error('an empty answer to a registration');
    const registration = result.value;
    const kept = new Set(registration.kept);
    for (const token of tokens) if (!kept.has(token)) drop(token);
    return {
      token: registration.session,
      leaseDurationMs: durationToMs(registration.leaseDuration) ?? 30_000,
      heartbeatIntervalMs: Math.max(50, durationToMs(registration.heartbeatInterval) ?? 5_000),
      maxPayloadBytes: registration.maxPayloadBytes || 262_144,
    };
  };

  const registerUntilDone = async (): Promise<Session> => {
    const isFirst = current === undefined;
    if (Date.now() - registeredAtMs > SHORT_LIFE_MS) backoff.reset();
    else await pause(backoff.nextMs(), signal);
    for (;;) {
      signal.throwIfAborted();
      try {
        const session = await register();
        signal.throwIfAborted();
        current = session;
        registeredAtMs = Date.now();
        return session;
      } catch (error) {
        signal.throwIfAborted();
        // Later on, a refusal must not end work that is under way: it may be a passing defect.
        if (isFirst && error instanceof ExecutorRefusedError) throw error;
        settings.logger.warn(
          { executorId: settings.id, error: String(error) },
          'not registered; trying again',
        );
        await pause(backoff.nextMs(), signal);
      }
    }
  };

  return {
    get current() {
      return current;
    },
    renew(unknown) {
      if (current !== undefined && current !== unknown) return Promise.resolve(current);
      renewing ??= registerUntilDone().finally(() => {
        renewing = undefined;
      });
      return renewing;
    },
  };
}

/** The name of a reason, also of one that this SDK does not know yet. */
export function reasonName(reason: ErrorReason): string {
  const name = Object.entries(ErrorReason).find(([, value]) => value === reason)?.[0];
  return name ?? `REASON_${reason}`;
}

function refusal(error: ProtocolError): Error {
  const isPermanent =
    error.reason === ErrorReason.INVALID_FIELD || error.reason === ErrorReason.MALFORMED_MESSAGE;
  return isPermanent
    ? new ExecutorRefusedError(reasonName(error.reason), error.message)
    : new Error(`${reasonName(error.reason)}: ${error.message}`);
}
