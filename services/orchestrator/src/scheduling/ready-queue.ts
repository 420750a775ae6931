// The ready tasks of one capability: lower priority number first, then first ready first (E.1), then, of those
// that became ready by one event, the one with the longest way ahead.
//
// A task that leaves the queue otherwise than by being taken (cancelled, expired) is not searched for:
// it is counted out, and its entry is recognised as stale when its turn comes. Stale entries never
// outnumber live ones for long: the queue is swept when they do.

const SWEEP_MIN = 1_024;

export interface ReadyEntry {
  /** 0 to 10. */
  readonly priority: number;
  /** The place among equals: the revision of the event that made it ready, then these two. */
  readonly readyRevision: number;
  /** The longer, the earlier. 0 for all tasks of a run that does not say how long they take. */
  readonly wayAhead: number;
  readonly task: number;
}

export interface ReadyQueue<T extends ReadyEntry> {
  /** Live entries. */
  readonly size: number;
  /** Entries come in their order, or with a revision that is higher than any before. */
  push(entry: T): void;
  /** The entry whose turn it is, left where it is. */
  peek(): T | undefined;
  take(): T | undefined;
  /** Entries that have been in it before, at their old places. Contract: none of them is live yet. */
  readmit(entries: readonly T[]): void;
  /** One of the entries has become stale, whichever it is. */
  discount(): void;
}

export function createReadyQueue<T extends ReadyEntry>(isLive: (entry: T) => boolean): ReadyQueue<T> {
  return new LaneQueue(isLive);
}

/** A class, since there may be as many as tasks: closures of its own would cost each a kilobyte. */
class LaneQueue<T extends ReadyEntry> implements ReadyQueue<T> {
  size = 0;
  /** Entries kept, live or not. */
  #stored = 0;
  /** By priority. One for each that was ever asked for: at most eleven, mostly a single one. */
  #lanes: Lane<T>[] = [];
  readonly #isLive: (entry: T) => boolean;

  constructor(isLive: (entry: T) => boolean) {
    this.#isLive = isLive;
  }

  push(entry: T): void {
    const lane = this.#lanes.find(({ priority }) => priority === entry.priority);
    if (lane === undefined) this.#addLane(entry);
    else lane.entries.push(entry);
    this.size += 1;
    this.#stored += 1;
  }

  peek(): T | undefined {
    const lane = this.#firstLive();
    return lane?.entries[lane.head];
  }

  take(): T | undefined {
    const lane = this.#firstLive();
    if (lane === undefined) return undefined;
    const entry = lane.entries[lane.head] as T;
    this.#advance(lane);
    this.size -= 1;
    return entry;
  }

  readmit(entries: readonly T[]): void {
    this.#sweep(); // What they left behind must not come to life with them.
    for (const entry of entries) this.push(entry);
    for (const lane of this.#lanes) lane.entries.sort((a, b) => (hasTurnBefore(a, b) ? -1 : 1));
  }

  discount(): void {
    this.size -= 1;
    if (this.#stored > SWEEP_MIN && this.#stored > 2 * this.size) this.#sweep();
  }

  #addLane(first: T): void {
    const made: Lane<T> = { priority: first.priority, entries: [first], head: 0 };
    this.#lanes = [...this.#lanes, made].sort((a, b) => a.priority - b.priority);
  }

  #firstLive(): Lane<T> | undefined {
    if (this.size === 0) return undefined;
    for (const lane of this.#lanes) {
      for (; lane.head < lane.entries.length; this.#advance(lane)) {
        if (this.#isLive(lane.entries[lane.head] as T)) return lane;
      }
    }
    return undefined;
  }

  #advance(lane: Lane<T>): void {
    lane.head += 1;
    this.#stored -= 1;
    const drained = lane.head === lane.entries.length;
    if (drained || (lane.head > SWEEP_MIN && lane.head * 2 > lane.entries.length)) {
      lane.entries = drained ? [] : lane.entries.slice(lane.head);
      lane.head = 0;
    }
  }

  #sweep(): void {
    this.#stored = 0;
    for (const lane of this.#lanes) {
      lane.entries = lane.entries.slice(lane.head).filter(this.#isLive);
      lane.head = 0;
      this.#stored += lane.entries.length;
    }
  }
}

interface Lane<T> {
  readonly priority: number;
  entries: T[];
  head: number;
}

/** Whether `a` has its turn before `b`, over the queues of several capabilities. */
export function hasTurnBefore(a: ReadyEntry, b: ReadyEntry): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority;
  if (a.readyRevision !== b.readyRevision) return a.readyRevision < b.readyRevision;
  if (a.wayAhead !== b.wayAhead) return a.wayAhead > b.wayAhead;
  return a.task < b.task;
}
