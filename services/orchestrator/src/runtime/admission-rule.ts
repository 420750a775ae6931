// When is more work refused, and for how long? Pure.
//
// A queue is what an orchestrator is for: tasks may wait for executors by the million. Refused is work that
// would hurt what was admitted: what cannot be held in memory, and, while there is no time left to start more,
// what would take that time from the reports and commits of work that is under way.

/** As told in the metadata `resource` of LIMIT_REACHED. */
export type AdmissionResource =
  | 'pending_bytes'
  | 'pending_tasks'
  | 'ready_tasks'
  | 'commit_delay'
  | 'loop_delay'
  | 'memory';

export interface AdmissionLimits {
  /** Of the requests that add work and are not answered yet, as they came; one alone is always taken. */
  readonly maxPendingBytes: number;
  /**
   * READY tasks that an executor is there for, while the process has no time to spare: at most so many, and no
   * more than are started in BUSY_READY_MS, but a fifth of it always.
   */
  readonly maxBusyReadyTasks: number;
  /**
   * Tasks of requests that are not answered yet: what one commit has to write of them makes the reports wait
   * that come with it. Half as many while the process has no time to spare. One request alone is always taken.
   */
  readonly maxPendingTasks: number;
  /** How long a commit may be under way. */
  readonly maxCommitDelayMs: number;
  /** How long a turn of the event loop may take, again and again. */
  readonly maxLoopDelayMs: number;
  /** Share of the memory that the process may have. */
  readonly maxMemoryShare: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxPendingBytes: 67_108_864,
  maxBusyReadyTasks: 20_000,
  maxPendingTasks: 10_000,
  maxCommitDelayMs: 3_000,
  maxLoopDelayMs: 250,
  maxMemoryShare: 0.75,
};

/** A queue of that time outlasts the pause of those who come again. */
const BUSY_READY_MS = 1_000;
const LEAST_READY_SHARE = 1 / 5;

export interface Load {
  readonly pendingBytes: number;
  readonly pendingTasks: number;
  /** Those included that are pending. */
  readonly readyTasks: number;
  /** Tasks that were started, in a second of late. */
  readonly startsPerSecond: number;
  /** The process has had no time to spare for a while. */
  readonly busy: boolean;
  /** Of the commit that is under way longest. */
  readonly commitDelayMs: number;
  /** Each turn of the event loop has taken too long for a while. */
  readonly slow: boolean;
  readonly memoryShare: number;
}

/** What is left of the room for tasks is for those who come again, as they were told to. */
const FIRST_COMERS_SHARE = 0.9;

/**
 * What stands against a request of so many bytes; undefined: it may come in.
 * @param comesAgain it was refused before
 */
export function standsAgainst(
  load: Load,
  sizeBytes: number,
  limits: AdmissionLimits,
  comesAgain: boolean,
): AdmissionResource | undefined {
  const share = comesAgain ? 1 : FIRST_COMERS_SHARE;
  if (load.memoryShare >= limits.maxMemoryShare) return 'memory';
  if (load.pendingBytes > 0 && load.pendingBytes + sizeBytes > limits.maxPendingBytes) return 'pending_bytes';
  if (load.commitDelayMs >= limits.maxCommitDelayMs) return 'commit_delay';
  if (load.busy && load.readyTasks >= readyLimit(load, limits) * share) return 'ready_tasks';
  if (load.pendingTasks >= pendingLimit(load, limits) * share) return 'pending_tasks';
  return load.slow ? 'loop_delay' : undefined;
}

function pendingLimit({ busy }: Load, { maxPendingTasks }: AdmissionLimits): number {
  return busy ? Math.ceil(maxPendingTasks / 2) : maxPendingTasks;
}

function readyLimit({ startsPerSecond }: Load, { maxBusyReadyTasks }: AdmissionLimits): number {
  const least = Math.ceil(maxBusyReadyTasks * LEAST_READY_SHARE);
  return Math.min(maxBusyReadyTasks, Math.max(least, Math.round((startsPerSecond * BUSY_READY_MS) / 1_000)));
}

/** For the metadata `limit`: a whole number. */
export function limitOf(resource: AdmissionResource, load: Load, limits: AdmissionLimits): number {
  switch (resource) {
    case 'memory':
      return Math.round(limits.maxMemoryShare * 100);
    case 'pending_bytes':
      return limits.maxPendingBytes;
    case 'commit_delay':
      return limits.maxCommitDelayMs;
    case 'ready_tasks':
      return readyLimit(load, limits);
    case 'pending_tasks':
      return pendingLimit(load, limits);
    case 'loop_delay':
      return limits.maxLoopDelayMs;
  }
}

export const LEAST_RETRY_MS = 250;
export const MOST_RETRY_MS = 2_000;

/**
 * The more there are that come back, the later: so that what comes back is about what can be taken.
 * @param admitted and refused, of late
 */
export function retryAfterMs(admitted: number, refused: number): number {
  const demand = (admitted + refused) / Math.max(1, admitted);
  return Math.round(Math.min(MOST_RETRY_MS, LEAST_RETRY_MS * Math.max(1, demand)));
}

/** Something that counts only once it has been so for a while: a moment's stall is no overload. */
export interface Standing {
  readonly sinceMs: number | undefined;
  readonly holds: boolean;
}

export const NOT_STANDING: Standing = { sinceMs: undefined, holds: false };

/** @param level HIGH: it is so; LOW: it is not; BETWEEN: as before */
export function stand(
  before: Standing,
  level: 'HIGH' | 'BETWEEN' | 'LOW',
  nowMs: number,
  forMs: number,
): Standing {
  switch (level) {
    case 'LOW':
      return NOT_STANDING;
    case 'BETWEEN':
      return before.holds ? before : NOT_STANDING;
    case 'HIGH': {
      const sinceMs = before.sinceMs ?? nowMs;
      return { sinceMs, holds: before.holds || nowMs - sinceMs >= forMs };
    }
  }
}
