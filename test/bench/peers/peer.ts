// What is a contestant, and what can be asked of it? Tutti and each peer it is measured against are one.
//
// Each folder beside this file is one system; its index.ts exports `peers`, one for each way of running it that
// gets a row of its own ("bullmq", "bullmq-always"). The frame finds the folders by itself: no list to add to.
// A round runs in a process of its own (round.ts): prepare, start, warm up, run, stop. The frame measures CPU,
// memory and system calls of `processes()` from outside; a contestant only works and keeps the time.

/**
 * What survives once a submission is acknowledged: nothing; what the process was killed with; a power cut, because
 * what was acknowledged was fsynced before.
 */
export type Durability = 'MEMORY' | 'PROCESS_KILL' | 'FSYNC';

/** A no-op, unless it says otherwise. `slots` of them may be at work at once, in all workers together. */
export type Load =
  /** Independent tasks, in as few and as large submissions as the system has (a run of many, a bulk insert). */
  | { readonly kind: 'flat-large'; readonly tasks: number }
  /** Independent tasks, each submitted such that its own end can be asked for; batched calls are fine. */
  | { readonly kind: 'flat-single'; readonly tasks: number }
  /** Runs of one task, each submitted by a call of its own when the end of one before is known; so many at once. */
  | { readonly kind: 'latency-serial'; readonly runs: number; readonly atOnce: number }
  /** Runs of one task, submitted at fixed times whatever becomes of them. */
  | { readonly kind: 'latency-open'; readonly runs: number; readonly runsPerSecond: number }
  /** Runs of three tasks, each after the one before; so many runs at once, 1: serial. */
  | { readonly kind: 'three-step'; readonly runs: number; readonly atOnce: number }
  /** Runs, one after the other, of so many tasks, each after the one before, each computing fibo(n), recursively. */
  | { readonly kind: 'chain'; readonly runs: number; readonly steps: number; readonly fibo: number }
  /** Runs, one after the other: one task, then `width` tasks, then one after all of them. */
  | { readonly kind: 'fan'; readonly runs: number; readonly width: number };

export type LoadKind = Load['kind'];

export interface Measured {
  /** From the call of the first submission until the end of the last task is known to the submitter. */
  readonly seconds: number;
  readonly runs: number;
  /** All of them, of all runs. */
  readonly tasks: number;
  /** For each run: from the call of its submission (open loop: the time it was due) until its handler began. */
  readonly startedMs?: readonly number[];
  /** For each run: from the call of its submission (open loop: the time it was due) until its end was known. */
  readonly completedMs?: readonly number[];
}

export interface ProcessOf {
  /** What a report calls it: "orchestrator", "redis", "worker"; several may share one, and are added up. */
  readonly role: string;
  readonly pid: number;
  /** The processes that descend from it count too, under its role (PostgreSQL's backends). */
  readonly descendants?: boolean;
}

export interface Running {
  /** Of everything that matters: "BullMQ 6.7.0, Redis 7.0.15". */
  readonly version: string;
  /** Now; without the process that calls, which submits, and counts as "load". */
  processes(): readonly ProcessOf[];
  /** Only loads whose kind the peer names. Throws if not every task completed. */
  run(load: Load): Promise<Measured>;
  /** Nothing is left running or on disk. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Empty, removed by the frame afterwards, whatever happens. World-readable, for servers of another user. */
  readonly folder: string;
  /** What `prepare` was given. */
  readonly cache: string;
  /** Of all workers together. */
  readonly slots: number;
  /** For people, as it goes. */
  readonly say: (line: string) => void;
}

export interface Peer {
  /** Of the row: short, lower case, with hyphens. */
  readonly name: string;
  /** How it is run, in a line, for the report: "appendfsync everysec, 2 workers". */
  readonly settings: string;
  /** What it claims; system calls are counted to see. */
  readonly durability: Durability;
  readonly kinds: readonly LoadKind[];
  /**
   * Once before all rounds, not measured: finds, fetches or builds what it needs.
   * @param cache a folder that outlives the command, for this peer alone
   * @returns why it cannot be run here ("celery: no python3"), undefined if it can
   */
  prepare(cache: string, say: (line: string) => void): Promise<string | undefined>;
  start(options: StartOptions): Promise<Running>;
}

/** What index.ts of a peer's folder exports. */
export interface PeerModule {
  readonly peers: readonly Peer[];
}
