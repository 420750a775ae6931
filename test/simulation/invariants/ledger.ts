// How does everything stand that is durable? The witness's own model of it, made from nothing but what the
// disk was given.
//
// It is written from the contract (proto/tutti/v1, ARCHITECTURE's states), and knows nothing of how the engine
// keeps its own state: where both are wrong in the same way, two people have made the same mistake.

import type {
  Dependency,
  RunParent,
  RunSpec,
  TaskSpec,
} from '../../../services/orchestrator/src/domain/spec.ts';
import type { RunPhase, TaskState } from '../../../services/orchestrator/src/domain/states.ts';
import type { AttemptOutcome } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { RequestRow, RunNumber } from '../../../services/orchestrator/src/store/port.ts';
import type { FactCase } from './fact.ts';
import type { ProcessId } from './observation.ts';

export interface NamespaceModel {
  readonly name: string;
  /** By revision: the event of revision n is at n - 1. Those of deleted runs stay. */
  readonly events: StoredEvent[];
  /** Those that were not deleted. */
  readonly runs: Map<RunNumber, RunModel>;
  /** Deleted ones, too. */
  readonly everyRun: Map<RunNumber, RunModel>;
  /** By id, those that were not deleted. */
  readonly runIds: Map<string, RunModel>;
  readonly leases: Map<string, LeaseModel>;
  readonly requests: Map<string, RequestRow>;
  /** The latest that was claimed, or written under. */
  epoch: number;
  /** By whom. */
  writer: ProcessId;
  /** Of the latest write. */
  writtenAtMs: number;
}

export interface StoredEvent {
  readonly run: RunNumber;
  readonly payload: Uint8Array;
  readonly type: FactCase;
}

export interface RunModel {
  readonly namespace: string;
  readonly number: RunNumber;
  readonly runId: string;
  readonly spec: RunSpec;
  /** The attempt that it was started by. */
  readonly parent: RunParent | undefined;
  /** By index. */
  readonly tasks: TaskModel[];
  readonly byKey: Map<string, TaskModel>;
  /** How many tasks it was submitted with. */
  readonly submittedTasks: number;
  phase: RunPhase;
  paused: boolean;
  archived: boolean;
  deleted: boolean;
  lastRevision: number;
  endedAtMs: number | undefined;
  /** When it was submitted or last done again, by the engine's clock. */
  beganAtMs: number;
  /** Revision of what allows tasks to be reset: a re-run, a send-back. */
  restartRevision: number;
  sentBackRevision: number;
  /** By name: how many signals came that no wait has taken. */
  readonly signals: Map<string, number>;
}

/** Times are the engine's own. */
export interface TaskModel {
  readonly key: string;
  readonly index: number;
  readonly spec: TaskSpec;
  /** The task that made it. */
  readonly owner: TaskModel | undefined;
  /** Each upstream once. */
  dependencies: readonly Dependency[];
  /** By the upstream's key: what came of the edge's `when`. */
  readonly judged: Map<string, boolean>;
  state: TaskState;
  /** All that were started. */
  attempts: number;
  /** What counts against the limits: since the last reset, or the last iteration. */
  round: { started: number; lost: number; fallbacks: number; lostFallbacks: number };
  /** The present or next attempt is that of the fallback. */
  fallback: boolean;
  /** Told to stop. */
  cancelling: boolean;
  /** By when, if it was told. */
  stopByMs: number;
  /** Its attempt has a result that is being checked. */
  validating: boolean;
  /** The living one. */
  lease: LeaseModel | undefined;
  /** That its latest attempt has started; empty for none. */
  childRunId: string;
  /** Of its latest completion. */
  result: Uint8Array;
  iteration: number;
  /** By the task that it went back to. */
  readonly sentBack: Map<string, number>;
  heldUntilMs: number | undefined;
  dueAtMs: number | undefined;
  readyAtMs: number | undefined;
  firstReadyAtMs: number | undefined;
  firstStartedAtMs: number | undefined;
  startedAtMs: number;
  heardAtMs: number;
  endedAtMs: number | undefined;
}

export type LeaseEnd =
  | 'COMPLETED'
  /** Its result is being checked; what the check, or something else, makes of the attempt comes later. */
  | 'CHECKED'
  | 'FAILED'
  /** An error rule has completed the task, whether its executor reported the error or took too long. */
  | 'EXCUSED'
  | 'TIMED_OUT'
  | 'LOST'
  | 'RELEASED'
  | 'CANCELLED'
  | 'RESET';

export interface LeaseModel {
  readonly token: string;
  readonly run: RunModel;
  readonly task: TaskModel;
  readonly attempt: number;
  readonly executorId: string;
  readonly capability: string;
  /** When it became durable; true time. */
  readonly grantedAtMs: number;
  /** By whom and when that was decided, by the clock of that process. */
  readonly process: ProcessId;
  readonly decidedAtMs: number;
  ended: { readonly how: LeaseEnd; readonly revision: number } | undefined;
  /** What its holder has reported, as far as it came; see executors.ts. */
  readonly reports: HolderReport[];
  /** Whom its holder has told how far it is. */
  readonly toldTo: Set<ProcessId>;
  /** True time: when it was last renewed for sure, 0 for never; and when that was last tried. */
  renewedAtMs: number;
  triedAtMs: number;
}

export interface HolderReport {
  readonly process: ProcessId;
  readonly session: string;
  readonly outcome: AttemptOutcome;
}

export interface Ledger {
  readonly namespaces: ReadonlyMap<string, NamespaceModel>;
  of(namespace: string): NamespaceModel;
}

export interface OpenLedger extends Ledger {
  readonly namespaces: Map<string, NamespaceModel>;
}

export function createLedger(): OpenLedger {
  const namespaces = new Map<string, NamespaceModel>();
  return {
    namespaces,
    of(name) {
      let found = namespaces.get(name);
      if (found === undefined) {
        found = {
          name,
          events: [],
          runs: new Map(),
          everyRun: new Map(),
          runIds: new Map(),
          leases: new Map(),
          requests: new Map(),
          epoch: 0,
          writer: 0,
          writtenAtMs: 0,
        };
        namespaces.set(name, found);
      }
      return found;
    },
  };
}

export function runOf(namespace: NamespaceModel, run: RunNumber): RunModel | undefined {
  return namespace.runs.get(run);
}

/** Whether the process may not know what is durable by now: another one has written since it is there. */
export function isBehind(namespace: NamespaceModel, process: ProcessId, startedAtMs: number): boolean {
  return namespace.writer !== process && namespace.writtenAtMs >= startedAtMs;
}
