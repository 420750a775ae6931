// When is more work refused, and for how long? Pure.
//
// A queue is what an orchestrator is for: tasks may wait for executors by the million. Refused is work that
// would hurt what was admitted: what cannot be held in memory, and, while there is no time left to start more,
// what would take that time from the reports and commits of work that is under way.

/** As told in the metadata `resource` of LIMIT_REACHED. */
export type AdmissionResource = 'pending_bytes' | 'ready_tasks' | 'commit_delay' | 'loop_delay' | 'heap';

export interface AdmissionLimits {
  /** Of the requests that add work and are not answered yet, as they came; one alone is always taken. */
  readonly maxPendingBytes: number;
  /** READY tasks that an executor is there for, while the process has no time to spare. */
  readonly maxBusyReadyTasks: number;
  /** How long a commit may be under way. */
  readonly maxCommitDelayMs: number;
  /** How long a turn of the event loop may take, again and again. */
  readonly maxLoopDelayMs: number;
  /** Share of the largest heap that the process may have. */
  readonly maxHeapShare: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxPendingBytes: 67_108_864,
  maxBusyReadyTasks: 20_000,
  maxCommitDelayMs: 3_000,
  maxLoopDelayMs: 250,
  maxHeapShare: 0.85,
};

export interface Load {
  readonly pendingBytes: number;
  readonly readyTasks: number;
  /** The process has had no time to spare for a while. */
  readonly busy: boolean;
  /** Of the commit that is under way longest. */
  readonly commitDelayMs: number;
  /** Each turn of the event loop has taken too long for a while. */
  readonly slow: boolean;
  readonly heapShare: number;
}

/** What stands against a request of so many bytes; undefined: it may come in. */
export function standsAgainst(
  load: Load,
  sizeBytes: number,
  limits: AdmissionLimits,
): AdmissionResource | undefined {
  if (load.heapShare >= limits.maxHeapShare) return 'heap';
  if (load.pendingBytes > 0 && load.pendingBytes + sizeBytes > limits.maxPendingBytes) return 'pending_bytes';
  if (load.commitDelayMs >= limits.maxCommitDelayMs) return 'commit_delay';
  if (load.busy && load.readyTasks >= limits.maxBusyReadyTasks) return 'ready_tasks';
  return load.slow ? 'loop_delay' : undefined;
}

/** For the metadata `limit`: a whole number. */
export function limitOf(resource: AdmissionResource, limits: AdmissionLimits): number {
  switch (resource) {
    case 'heap':
      return Math.round(limits.maxHeapShare * 100);
    case 'pending_bytes':
      return limits.maxPendingBytes;
    case 'commit_delay':
      return limits.maxCommitDelayMs;
    case 'ready_tasks':
      return limits.maxBusyReadyTasks;
    case 'loop_delay':
      return limits.maxLoopDelayMs;
  }
}

export const LEAST_RETRY_MS = 500;
export const MOST_RETRY_MS = 5_000;

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
