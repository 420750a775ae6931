// What does somebody who writes an executor see?

import type { NodeConnectionOptions } from '@nats-io/transport-node';
import type { Payload } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { TaskInput } from '../client/spec.ts';
import type { DurationInput } from '../durations.ts';
import type { Logger } from '../logger.ts';
import type { PayloadInput } from '../payloads.ts';

/**
 * Performs one attempt. What it returns (or resolves to) is the result of the task; what it throws
 * makes the attempt fail: RetryableError and FinalError say what they mean, anything else is
 * retryable with the exception's name as the code.
 *
 * `input` is the parsed value of a JSON payload, the bytes of any other, undefined for none.
 */
// biome-ignore lint/suspicious/noExplicitAny: handlers state the type of input that they expect
export type Handler = (input: any, context: AttemptContext) => PayloadInput | Promise<PayloadInput>;

/** A handler with what is told of it. */
export interface CapabilityOptions {
  readonly handler: Handler;
  /** Of the implementation, for people; at most 64 characters. */
  readonly version?: string;
  /** How many attempts of this capability at once. Default: as many as there are slots. */
  readonly maxConcurrency?: number;
}

/** Why an attempt should stop; found in `context.signal.reason`, an AttemptAbortedError. */
export type AbortReason =
  /** Somebody cancelled the task or run, or the run is ending. There is a grace period. */
  | 'CANCEL_REQUESTED'
  | 'RUN_ENDING'
  /** The attempt or the task took too long. */
  | 'TIMED_OUT'
  /** The lease is gone; whatever the attempt comes to will be refused. */
  | 'LEASE_LOST'
  /** The executor is stopping; the task will be tried again elsewhere. */
  | 'EXECUTOR_STOPPING';

/** The final state of an upstream task. */
export type UpstreamState = 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'SKIPPED';

/** What an upstream task came to. */
export interface DependencyOutcome {
  readonly state: UpstreamState;
  /** Parsed like `input`; undefined unless it completed with a result. */
  readonly result: unknown;
  /** Set if it failed by an error. */
  readonly error: AttemptError | undefined;
}

/** Why an attempt did not succeed. */
export interface AttemptError {
  readonly code: string;
  readonly message: string;
  /** Parsed like `input`. */
  readonly details: unknown;
}

/** What an attempt is to do better than one before: after a send-back, or when a guardrail refused. */
export interface AttemptFeedback {
  /** Why; empty if no reason was given. */
  readonly reason: string;
  /** Parsed like `input`: the result that was refused. */
  readonly refusedResult: unknown;
  /** The key of the task that sent the run back; empty from a guardrail. */
  readonly from: string;
  /** Parsed like `input`: that task's own result; undefined from a guardrail. */
  readonly decision: unknown;
  /** How often it has been sent back, from 1; 0 from a guardrail. */
  readonly iteration: number;
}

/** How the input and the results of dependencies become one object. */
export interface MergeOptions {
  /** True: a result wins over the input where both have a field. Default false. */
  readonly inputLoses?: boolean;
}

/** What an attempt can know and say while it runs. */
export interface AttemptContext {
  readonly runId: string;
  readonly taskKey: string;
  readonly capability: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** Aborted when the attempt should stop; `signal.reason` is an AttemptAbortedError. */
  readonly signal: AbortSignal;
  /** The input as it came; fetched, if it was stored apart. */
  readonly inputPayload: Payload | undefined;
  /** By key, or by the alias of the edge, in their declared order; only those that are final. */
  readonly dependencies: ReadonlyMap<string, DependencyOutcome>;
  /**
   * The results of the dependencies and the input in one object: objects field by field, later
   * dependencies win, the input wins over all, unless it should lose; anything else stands under its key
   * or alias (the input's is `input`). What has no result adds nothing; a result of null is one.
   */
  merged(options?: MergeOptions): Record<string, unknown>;
  /** What the last attempt left by `checkpoint`; undefined if nothing. */
  readonly lastCheckpoint: unknown;
  /** Why the attempt before did not succeed; undefined on the first. */
  readonly lastError: AttemptError | undefined;
  /** What this attempt is to do better; undefined unless one was sent back or refused. */
  readonly feedback: AttemptFeedback | undefined;
  /** Of a `repeat`, or of a loop by send-backs: counted from 1. 0 without. */
  readonly iteration: number;
  /** W3C Trace Context of the span of this attempt; empty if there is none. */
  readonly traceparent: string;
  /** Says how far it is: 0 to 100 percent, at most 1,024 characters. Only the latest is sent. */
  progress(percent: number, message?: string): void;
  /**
   * Leaves a value for the next attempt, should this one not succeed. Only the latest is sent, with
   * the next heartbeat, or with the report that the attempt failed. Throws PayloadError if it is larger than the payload limit.
   */
  checkpoint(value: PayloadInput): void;
  /**
   * Adds tasks to the run, as a planner does: up to 10,000, which may depend on each other and on any task of
   * the run. Those that are there already, and equal, are left as they are, so that another attempt may say
   * the same. Resolves to how many are new, once they are on disk. Rejects with FinalError where they
   * break a rule, with the orchestrator's reason as the code.
   */
  addTasks(tasks: readonly TaskInput[]): Promise<number>;
  /** Adds to what the attempt used, for example `{tokens: 3}`; at most 32 names. */
  usage(used: Readonly<Record<string, number>>): void;
  /** What is kept as the partial result if the attempt is cancelled. The latest wins. */
  partialResult(value: PayloadInput): void;
  /**
   * How large a checkpoint, a partial result or an error's details may be, encoded. A larger result is
   * stored apart by itself, up to what the orchestrator allows (64 MiB unless it was told otherwise).
   */
  readonly maxPayloadBytes: number;
  /** The executor's logger. */
  readonly logger: Logger;
}

/** How an executor is set up. */
export interface ExecutorOptions {
  /**
   * Unique in the namespace and stable over reconnects: 1 to 64 letters, digits, `_`, `-`. Default:
   * from host name and process id, with a random end.
   */
  readonly id?: string;
  /** NATS servers. Default: TUTTI_NATS_URL, else `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** Default: TUTTI_NAMESPACE, else `default`. */
  readonly namespace?: string;
  /** What subjects begin with. Default: `tutti.v1`. */
  readonly prefix?: string;
  /** Room for this many attempts at once: 1 to 10,000. Default 16. */
  readonly slots?: number;
  /** What it says of itself, for people; at most 32. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What it can do, by dotted name such as `image.resize`; 1 to 256. */
  readonly capabilities: Readonly<Record<string, Handler | CapabilityOptions>>;
  /**
   * How long `drain` lets attempts go on before it gives them back. Default 25 s: what ends processes waits
   * 30 s where nothing else is said, as Kubernetes does.
   */
  readonly drainTimeout?: DurationInput;
  /** True: SIGTERM and SIGINT drain, a second one stops. Default false. */
  readonly handleSignals?: boolean;
  /** Where it says what goes wrong. Default: warnings and errors to stderr. */
  readonly logger?: Logger;
  /** Credentials and TLS for NATS; the reconnect options are Tutti's own. */
  readonly nats?: Omit<
    NodeConnectionOptions,
    'servers' | 'port' | 'reconnect' | 'maxReconnectAttempts' | 'waitOnFirstConnect'
  >;
}

/** A process's part in performing attempts. */
export interface Executor {
  readonly id: string;
  /** How many attempts it holds: those that run and those whose report is not yet answered. */
  readonly held: number;
  /**
   * Resolves once it is registered and takes work. Retries until then, also while there is no
   * server; rejects if it is refused for good (ExecutorRefusedError) or stopped meanwhile.
   */
  start(): Promise<void>;
  /**
   * Takes nothing new, lets attempts end within `drainTimeout`, gives back the rest, leaves.
   * Resolves when that is done; a repeat gets the same promise.
   */
  drain(): Promise<void>;
  /** As drain, without any time for attempts to end: they are aborted and given back. */
  stop(): Promise<void>;
  /** Resolves when it has left: to undefined, or to the error that ended it. */
  readonly closed: Promise<Error | undefined>;
}
