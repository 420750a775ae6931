// What an engine is given at its making. Everything that is not a pure function of its inputs.

import type { Json } from '../domain/expression.ts';
import type { Result } from '../domain/rejection.ts';
import type { TaskSpec } from '../domain/spec.ts';

export interface EngineOptions {
  readonly namespace: string;
  /** How long a lease lives without a heartbeat. */
  readonly leaseDurationMs: number;
  readonly heartbeatIntervalMs: number;
  /** A larger result fails its attempt with PAYLOAD_TOO_LARGE. */
  readonly maxPayloadBytes: number;
  /** A task whose assignment would be larger fails with ASSIGNMENT_TOO_LARGE. */
  readonly maxAssignmentBytes: number;
  /** Submissions beyond it are refused with LIMIT_REACHED. */
  readonly maxActiveTasks: number;
  /** Registrations beyond it are refused with LIMIT_REACHED. */
  readonly maxExecutors: number;
  /** The same for the capabilities and labels of all executors that have more than a few. */
  readonly maxExecutorEntries: number;
  /** The tasks that a manager wants added, each in the JSON form of TaskSpec, or why they are none. */
  readonly readTasks: (tasks: readonly Json[]) => Result<readonly TaskSpec[]>;
  /** Unguessable, never the same twice: for lease tokens and sessions. The engine draws no random number. */
  readonly mintToken: () => string;
}

export const DEFAULT_ENGINE_LIMITS = {
  leaseDurationMs: 15_000,
  heartbeatIntervalMs: 5_000,
  maxPayloadBytes: 262_144,
  maxActiveTasks: 2_000_000,
  maxExecutors: 10_000,
  maxExecutorEntries: 200_000,
} as const;
