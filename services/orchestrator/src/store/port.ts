// The store port. One writer per namespace, fenced by an epoch; any number of readers.
//
// Contract, checked by contract.ts for every adapter:
//  S1  A commit is all or nothing, and durable (fsync or better) when its promise resolves.
//  S2  Revisions of a namespace are 1, 2, 3, … A commit that does not begin right after the last
//      one is refused with OUT_OF_ORDER and changes nothing.
//  S3  A commit whose epoch is not the latest claimed one is refused with FENCED and changes nothing.
//  S4  Reads see every commit whose promise has resolved, and never part of one.
//  S5  What was read of an event is byte for byte what was committed.
//  S6  A second process that opens the same place is refused with IN_USE.
//  S7  A change of workflows is all or nothing and durable, as a commit. It is fenced by what it adds: a
//      version that exists, or is not above every one before, is refused with OUT_OF_ORDER.
//  S8  A payload is stored under the SHA-256 of its content, once in a namespace. It is durable when putPayload
//      answers STORED, and nothing of it can be read or found before.
//  S9  What a run or a workflow refers to is not pruned; it goes with the last of them, or later.
//  S10 A change of a final run is all or nothing and durable, as a commit, and fenced as one (S3). What it asks
//      for is checked in the same transaction; where that does not hold, it says so and changes nothing.
//      Revisions of a deleted run are not given again: readers of the namespace find gaps.

import type { RunOrigin, RunParent } from '../domain/spec.ts';
import type { RunPhase, StateReason, TaskState } from '../domain/states.ts';
import type { RunLifeStore } from './port-run-life.ts';

export interface Store extends RunLifeStore {
  /** Makes the caller the owner of a namespace, creating it if needed; ends every earlier claim. */
  claim(namespace: string): Promise<Claim>;
  /** Every namespace that has at least one run that is not final. */
  activeNamespaces(): Promise<readonly string[]>;
  /** The runs of a namespace that are not final, by run number; a few at a time. */
  loadActiveRuns(namespace: string): AsyncIterable<StoredRun>;
  /** A run in whatever state, as loadActiveRuns gives it; undefined if there is none. */
  loadRun(namespace: string, runId: string): Promise<StoredRun | undefined>;
  commit(batch: CommitBatch): Promise<void>;
  /** Makes the namespace if needed, without claiming it. */
  changeWorkflows(change: WorkflowChange): Promise<void>;

  /** Which of these run ids exist, in whatever state. */
  findRunIds(namespace: string, runIds: readonly string[]): Promise<ReadonlyMap<string, RunNumber>>;
  /** The id of a run that a run of this id has started, itself or by others, also one that is deleted by now; undefined if there is none. */
  findStartedRun(namespace: string, runId: string): Promise<string | undefined>;
  findRequests(namespace: string, requestIds: readonly string[]): Promise<ReadonlyMap<string, RequestRow>>;
  getRun(namespace: string, runId: string): Promise<RunRow | undefined>;
  /** NewRun.record, as it was committed. */
  getRunRecord(namespace: string, run: RunNumber): Promise<Uint8Array | undefined>;
  /** Latest run number first. */
  listRuns(namespace: string, filter: RunFilter): Promise<readonly RunRow[]>;
  getTask(namespace: string, run: RunNumber, key: string): Promise<TaskRow | undefined>;
  /** By index. */
  listTasks(namespace: string, run: RunNumber, filter: TaskFilter): Promise<readonly TaskRow[]>;
  /** The events of some tasks of a run, by revision: what their full view is folded from. */
  readTaskEvents(
    namespace: string,
    run: RunNumber,
    tasks: readonly number[],
  ): Promise<readonly EventRecord[]>;
  /** Events after a revision, by revision. At least one if there is one, then up to the limits. */
  readEvents(namespace: string, query: EventQuery): Promise<readonly EventRecord[]>;
  /** Without a version: the latest that there is. */
  getWorkflow(namespace: string, name: string, version?: number): Promise<WorkflowRow | undefined>;
  /** How full the namespace is, and what the next version of a workflow has to come after. */
  countWorkflows(namespace: string, name: string): Promise<WorkflowCounts>;
  /** The latest version of each workflow, by name. */
  listWorkflows(namespace: string, afterName: string, limit: number): Promise<readonly WorkflowSummary[]>;
  /** The versions of one workflow, latest first; those below `before` if it is given. */
  listWorkflowVersions(
    namespace: string,
    name: string,
    before: number | undefined,
    limit: number,
  ): Promise<readonly WorkflowSummary[]>;
  /** Takes a part of a payload's content, in order; the namespace is made if needed. Never holds more than the part. */
  putPayload(part: PayloadPart): Promise<PayloadProgress>;
  /** Forgets what came of an upload; nothing if there is none. */
  dropUpload(namespace: string, uploadId: string): Promise<void>;
  /** At least one byte from `offset` on, if it is within the content, and at most `limitBytes`. */
  readPayload(
    namespace: string,
    sha256: string,
    offset: number,
    limitBytes: number,
  ): Promise<PayloadSlice | undefined>;
  findPayloads(namespace: string, sha256s: readonly string[]): Promise<ReadonlyMap<string, PayloadRow>>;
  /** They count as used at `atMs`. Returns those that there are. */
  renewPayloads(namespace: string, sha256s: readonly string[], atMs: number): Promise<readonly string[]>;
  /** Deletes payloads that were last used before, and that nothing refers to. Returns how many went, at most `limit`. */
  prunePayloads(usedBeforeMs: number, limit: number): Promise<number>;
  /** The latest durable revision; 0 for a namespace without events. */
  latestRevision(namespace: string): Promise<number>;
  /** Deletes answered requests older than this. Returns how many went, at most `limit`. */
  pruneRequests(olderThanMs: number, limit: number): Promise<number>;
  close(): Promise<void>;
}

/** A run's number: the revision of its first event. Unique in its namespace, and ordered by time. */
export type RunNumber = number;

export interface Claim {
  readonly epoch: number;
  readonly latestRevision: number;
}

export interface StoredRun {
  readonly run: RunNumber;
  readonly runId: string;
  /** The binary form of tutti.store.v1.RunRecord. */
  readonly record: Uint8Array;
  /** The binary forms of tutti.v1.TaskSpec, by index. */
  readonly taskSpecs: readonly Uint8Array[];
  /** By revision. */
  readonly events: readonly EventRecord[];
}

export interface EventRecord {
  readonly revision: number;
  readonly run: RunNumber;
  /** Index of the task it is about; -1 where it is about the run. */
  readonly task: number;
  /** The binary form of tutti.v1.Event, as watchers get it. */
  readonly payload: Uint8Array;
  /** The binary form of tutti.store.v1.EventAttachment; undefined if there is none. */
  readonly attachment: Uint8Array | undefined;
}

export interface CommitBatch {
  readonly namespace: string;
  readonly epoch: number;
  /** Consecutive. May be empty (a request answered without a change of state). */
  readonly events: readonly EventRecord[];
  readonly newRuns: readonly NewRun[];
  /** Tasks that a run got after it was submitted; in order where a run has several. */
  readonly addedTasks: readonly AddedTasks[];
  /** How runs stand after the events; at most one for a run; also for each new one. */
  readonly runs: readonly RunStatusRow[];
  /** How tasks stand after the events; at most one for a task; tasks of new runs only if moved on. */
  readonly tasks: readonly TaskStatusRow[];
  readonly requests: readonly RequestRow[];
  /** Which stored payloads the runs refer to from now on; those that are not stored are passed over. */
  readonly references: readonly PayloadReference[];
}

export interface PayloadReference {
  readonly run: RunNumber;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface PayloadPart {
  readonly namespace: string;
  /** With another hash or size than before, it begins anew. */
  readonly uploadId: string;
  /** Of the whole content, in hexadecimal. */
  readonly sha256: string;
  /** Of the whole content. At least the end of this part. */
  readonly sizeBytes: number;
  readonly offset: number;
  /** May be empty: asks only. */
  readonly bytes: Uint8Array;
  /** When it counts as used. */
  readonly atMs: number;
}

export type PayloadProgress =
  /** It is stored, by this part or before. */
  | { readonly type: 'STORED' }
  /** Where the next part begins; a part that begins elsewhere was not taken. */
  | { readonly type: 'RECEIVED'; readonly nextOffset: number }
  /** The content has another hash, this one. Nothing is left of the upload. */
  | { readonly type: 'MISMATCH'; readonly found: string };

export interface PayloadSlice {
  readonly bytes: Uint8Array;
  /** Of the whole content. */
  readonly sizeBytes: number;
}

export interface PayloadRow {
  readonly sizeBytes: number;
  readonly usedAtMs: number;
}

export interface NewRun {
  readonly run: RunNumber;
  readonly runId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly submittedAtMs: number;
  readonly traceId: string;
  readonly workflow: RunOrigin | undefined;
  readonly parent: RunParent | undefined;
  /** Ids of the runs that it took results of; each is there, or the commit is refused with FAILED. */
  readonly links: readonly string[];
  readonly record: Uint8Array;
  /** By index, in the state that RunSubmitted gives them. */
  readonly tasks: readonly NewTask[];
}

/** Appended to the tasks of a run: anything but the next free index is refused with FAILED. */
export interface AddedTasks {
  readonly run: RunNumber;
  /** Index of the first. */
  readonly first: number;
  /** When they were added: what is READY from the start has been so since then. */
  readonly addedAtMs: number;
  readonly tasks: readonly NewTask[];
  /** As of NewRun, for these tasks. */
  readonly links: readonly string[];
}

export interface NewTask {
  readonly key: string;
  readonly spec: Uint8Array;
  readonly state: TaskState;
}

export interface RunStatusRow {
  readonly run: RunNumber;
  readonly phase: RunPhase;
  readonly reason: StateReason;
  readonly message: string;
  readonly paused: boolean;
  readonly endedAtMs: number | undefined;
  readonly lastRevision: number;
  readonly failedTask: string;
  readonly counts: Readonly<Record<TaskState, number>>;
}

export interface TaskStatusRow {
  /** The binary form of tutti.v1.TaskSpec with the dependencies alone; undefined as long as those of its specification hold. */
  readonly dependencies: Uint8Array | undefined;
  readonly run: RunNumber;
  readonly task: number;
  readonly state: TaskState;
  readonly reason: StateReason;
  readonly attemptCount: number;
  readonly firstReadyAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

export interface RequestRow {
  readonly requestId: string;
  readonly fingerprint: string;
  readonly atMs: number;
  /** JSON of what was answered. */
  readonly answer: string;
}

export interface RunRow extends RunStatusRow {
  readonly runId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly submittedAtMs: number;
  readonly traceId: string;
  readonly workflow: RunOrigin | undefined;
  readonly parent: RunParent | undefined;
  readonly archived: boolean;
}

export interface WorkflowSummary {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly createdAtMs: number;
}

export interface WorkflowRow extends WorkflowSummary {
  /** Equal for equal templates. */
  readonly digest: string;
  /** The binary form of tutti.v1.WorkflowTemplate. */
  readonly template: Uint8Array;
}

export interface WorkflowCounts {
  readonly workflows: number;
  /** Of the one that was asked for. */
  readonly versions: number;
  /** The highest version that the workflow ever had, also if that one is gone; 0 if it does not exist. */
  readonly lastVersion: number;
}

export interface WorkflowChange {
  readonly namespace: string;
  readonly add: WorkflowRow | undefined;
  /** One version, or all of them where none is said. A workflow without versions is forgotten. */
  readonly remove: { readonly name: string; readonly version: number | undefined } | undefined;
  readonly requests: readonly RequestRow[];
  /** Hashes of the stored payloads that what is added refers to; those that are not stored are passed over. */
  readonly references: readonly string[];
}

export interface TaskRow extends TaskStatusRow {
  readonly key: string;
  readonly spec: Uint8Array;
}

export interface RunFilter {
  /** Empty: any. */
  readonly phases: readonly RunPhase[];
  /** All of them must match. */
  readonly labels: Readonly<Record<string, string>>;
  readonly submittedFromMs: number | undefined;
  readonly submittedBeforeMs: number | undefined;
  /** Only runs with a smaller number: where the page before ended. */
  readonly before: RunNumber | undefined;
  readonly limit: number;
}

export interface TaskFilter {
  /** Empty: any. */
  readonly states: readonly TaskState[];
  /** Only tasks with a larger index; -1 for all. */
  readonly after: number;
  readonly limit: number;
}

export interface EventQuery {
  readonly afterRevision: number;
  /** Only this run's. */
  readonly run: RunNumber | undefined;
  readonly limit: number;
  readonly limitBytes: number;
}

export type StoreErrorCode =
  /** S2. */
  | 'OUT_OF_ORDER'
  /** S3. */
  | 'FENCED'
  /** S6. */
  | 'IN_USE'
  /** The place cannot be used: wrong version, not writable, settings that do not hold. */
  | 'UNUSABLE'
  /** The write failed; whether it took effect is unknown. */
  | 'FAILED'
  /** Too much waits for it already: nothing of this was done. */
  | 'FULL'
  /** close() was called. */
  | 'CLOSED';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
