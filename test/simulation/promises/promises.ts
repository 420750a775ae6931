// What Tutti promises (DESIGN section 2), where the code keeps it, and what else than the simulation tests it.

export interface Promised {
  readonly number: number;
  readonly text: string;
  /** Files or folders of the repository, and what of them. */
  readonly keptIn: readonly Place[];
  readonly testedIn: readonly Place[];
}

export interface Place {
  readonly path: string;
  readonly what: string;
}

const SOURCE = 'services/orchestrator/src';
const kept = (path: string, what: string): Place => ({ path: `${SOURCE}/${path}`, what });
const tested = (path: string, what: string): Place => ({ path, what });

export const PROMISES: readonly Promised[] = [
  {
    number: 1,
    text: 'A submission is acknowledged only when it is on disk (fsync, or a database commit).',
    keptIn: [
      kept('runtime/namespace-driver.ts', 'replies are effects, released after their commit'),
      kept('store/sqlite/connection.ts', 'WAL with `synchronous=FULL`, set and read back'),
      kept('runtime/repeat-guard.ts', 'a repeated request finds its first answer'),
    ],
    testedIn: [
      tested('test/power-loss', 'what a disk without power leaves'),
      tested('test/chaos', 'clients hold their notes against the log'),
      tested(`${SOURCE}/store/contract`, 'every store'),
    ],
  },
  {
    number: 2,
    text: 'Every state change is durable, happens exactly once, and has its place in one order per namespace.',
    keptIn: [
      kept('engine/core.ts', 'one engine a namespace gives revisions one after the other'),
      kept('store/sqlite/write-commit.ts', 'owner and revision are checked in the transaction that writes'),
      kept('domain/evolve.ts', 'states change by events alone'),
    ],
    testedIn: [
      tested(`${SOURCE}/store/contract`, 'every store'),
      tested(`${SOURCE}/domain/properties.test.ts`, 'random graphs'),
      tested('test/power-loss', 'a commit is there wholly or not at all'),
    ],
  },
  {
    number: 3,
    text: 'Nothing leaves the orchestrator (reply, assignment, event) before the change that caused it is durable.',
    keptIn: [
      kept('engine/outputs.ts', 'effects are data'),
      kept('runtime/namespace-driver.ts', 'and are released in order, after the commit (D1 to D3)'),
    ],
    testedIn: [tested(`${SOURCE}/runtime/failures.test.ts`, 'commits that are held, fail, or are unknown')],
  },
  {
    number: 4,
    text: 'Execution is at least once. Exactly one outcome per attempt is accepted: a report with a stale token is refused, and the reporter is told.',
    keptIn: [
      kept('engine/reports.ts', 'an outcome is taken from the living lease alone'),
      kept('engine/leases.ts', 'a lease ends once'),
    ],
    testedIn: [
      tested(`${SOURCE}/engine/transcripts/leases.txt`, 'line by line'),
      tested(`${SOURCE}/engine/transcripts/repeated-reports.txt`, 'the same, over a restart'),
      tested('test/chaos', 'executors hold their notes against the log'),
      tested('test/hostile', 'forged, stale and replayed reports'),
    ],
  },
  {
    number: 5,
    text: "A task's parents are final before it starts; attempts never exceed the limit; a cancelled task never becomes completed.",
    keptIn: [
      kept('domain/follow.ts', 'what each change brings with it'),
      kept('domain/retry.ts', 'attempts by round'),
      kept('domain/decide.ts', 'what a state allows'),
    ],
    testedIn: [
      tested(`${SOURCE}/domain/mixed.properties.test.ts`, 'random graphs of every construct'),
      tested(`${SOURCE}/engine/invariants.test.ts`, 'the engine over them'),
    ],
  },
  {
    number: 6,
    text: 'A watcher that resumes from the last revision it saw misses nothing and sees nothing twice.',
    keptIn: [
      kept('runtime/watch.ts', 'from the store, then from the hub, without a gap'),
      kept('runtime/event-hub.ts', 'what is new, by revision'),
    ],
    testedIn: [tested(`${SOURCE}/runtime/watch.test.ts`, 'resumed at every revision')],
  },
  {
    number: 7,
    text: 'Slots, resources, concurrency and rate limits hold at every moment, across crashes too: they are derived from live leases, never kept in counters beside them.',
    keptIn: [
      kept('engine/leases.ts', 'slots in use are the living leases'),
      kept('domain/foreach.ts', 'windows of lists'),
      kept('domain/admission.ts', 'what a run may have under way'),
    ],
    testedIn: [
      tested(`${SOURCE}/engine/invariants.test.ts`, 'after every step'),
      tested(`${SOURCE}/engine/transcripts/leases.txt`, 'over a restart'),
    ],
  },
  {
    number: 8,
    text: 'A lost executor is noticed within its lease, a lost orchestrator is replaced or restarted without a hand on it, and no acknowledged run is lost.',
    keptIn: [
      kept('engine/loss.ts', 'leases that were not renewed'),
      kept('engine/registration.ts', 'an executor that comes back'),
      kept('runtime/load.ts', 'everything from what is durable'),
    ],
    testedIn: [
      tested('test/chaos', 'recovery times of the real stack'),
      tested('test/e2e/faults.test.ts', 'kills, stops and restarts'),
    ],
  },
];
