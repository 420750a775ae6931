// The ready tasks of one capability: lower priority number first, then first ready first (E.1).
//
// A task that leaves the queue otherwise than by being taken (cancelled, expired) is not searched for:
// it is counted out, and its entry is recognised as stale when its turn comes. Stale entries never
// outnumber live ones for long: the queue is swept when they do.

const PRIORITY_COUNT = 11;
const SWEEP_MIN = 1_024;

export interface ReadyEntry {
  /** 0 to 10. */
  readonly priority: number;
  /** The place among equals: the revision of the event that made it ready, then the task's index. */
  readonly readyRevision: number;
  readonly task: number;
}

export interface ReadyQueue<T extends ReadyEntry> {
  /** Live entries. */
  readonly size: number;
  /** Entries come in the order of their revisions. */
  push(entry: T): void;
  /** The entry whose turn it is, left where it is. */
  peek(): T | undefined;
  take(): T | undefined;
  /** One of the entries has become stale, whichever it is. */
  discount(): void;
}

export function createReadyQueue<T extends ReadyEntry>(isLive: (entry: T) => boolean): ReadyQueue<T> {
  const lanes: Lane<T>[] = Array.from({ length: PRIORITY_COUNT }, () => ({ entries: [], head: 0 }));
  let size = 0;
  let stored = 0;

  function firstLive(): Lane<T> | undefined {
    if (size === 0) return undefined;
    for (const lane of lanes) {
      for (; lane.head < lane.entries.length; advance(lane)) {
        if (isLive(lane.entries[lane.head] as T)) return lane;
      }
    }
    return undefined;
  }

  function advance(lane: Lane<T>): void {
    lane.head += 1;
    stored -= 1;
    const drained = lane.head === lane.entries.length;
    if (drained || (lane.head > SWEEP_MIN && lane.head * 2 > lane.entries.length)) {
      lane.entries = drained ? [] : lane.entries.slice(lane.head);
      lane.head = 0;
    }
  }

  function sweep(): void {
    stored = 0;
    for (const lane of lanes) {
      lane.entries = lane.entries.slice(lane.head).filter(isLive);
      lane.head = 0;
      stored += lane.entries.length;
    }
  }

  return {
    get size() {
      return size;
    },
    push(entry) {
      (lanes[entry.priority] as Lane<T>).entries.push(entry);
      size += 1;
      stored += 1;
    },
    peek() {
      const lane = firstLive();
      return lane?.entries[lane.head];
    },
    take() {
      const lane = firstLive();
      if (lane === undefined) return undefined;
      const entry = lane.entries[lane.head] as T;
      advance(lane);
      size -= 1;
      return entry;
    },
    discount() {
      size -= 1;
      if (stored > SWEEP_MIN && stored > 2 * size) sweep();
    },
  };
}

interface Lane<T> {
  entries: T[];
  head: number;
}

/** Whether `a` has its turn before `b`, over the queues of several capabilities. */
export function hasTurnBefore(a: ReadyEntry, b: ReadyEntry): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  if (a.readyRevision !== b.readyRevision) return a.readyRevision < b.readyRevision;
  return a.task < b.task;
}
