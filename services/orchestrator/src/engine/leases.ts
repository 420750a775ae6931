// Who holds which attempt. A lease is the expiring, fenced right of one executor to one attempt; its
// token must come back with every report. Slots in use are exactly the leases (promise 7).

import { occupy } from '../scheduling/executor-pool.ts';
import type { ActiveRun } from './active-run.ts';
import type { Executor } from './executor.ts';
import type { ReportStatus } from './inputs.ts';

export interface Lease {
  readonly token: string;
  readonly run: ActiveRun;
  readonly task: number;
  readonly capability: string;
  readonly executor: Executor;
  readonly grantedAtMs: number;
  expiresAtMs: number;
  /** How long nobody could be heard since the attempt's last sign of life. */
  deafMs: number;
}

/** Its executor has been told to stop, or is to be. */
export function isCancelling({ run, task }: Lease): boolean {
  return run.state.tasks[task]?.cancelling !== undefined;
}

/** How many ended leases are remembered at least, to tell a late or repeated report what became of it. */
const REMEMBERED_LEASES = 50_000;

/** No executor has this id. */
const NOBODY = '';

export interface Leases {
  readonly size: number;
  /** How many were ever granted. */
  readonly granted: number;
  get(token: string): Lease | undefined;
  grant(lease: Lease): void;
  /** Ends a living lease: its slot is free at once. */
  end(lease: Lease, status: Extract<ReportStatus, 'RECORDED' | 'STALE'>): void;
  /** Moves a living lease over to its executor's new session. */
  transfer(lease: Lease, executor: Executor): Lease;
  /** What to answer to a report whose lease is not alive: RECORDED to its holder alone (promise 4). */
  statusOf(token: string, executorId: string): ReportStatus;
  /** @param executorId its holder */
  remember(token: string, executorId: string, status: Extract<ReportStatus, 'RECORDED' | 'STALE'>): void;
}

export function createLeases(): Leases {
  const alive = new Map<string, Lease>();
  // By token: the holder, if its own outcome counts. Two generations: taking the oldest out of one map, again and
  // again, costs more than all else of a lease.
  let ended = new Map<string, string>();
  let endedBefore = new Map<string, string>();
  let granted = 0;

  function remember(token: string, executorId: string, status: ReportStatus): void {
    ended.set(token, status === 'RECORDED' ? executorId : NOBODY);
    if (ended.size < REMEMBERED_LEASES) return;
    endedBefore = ended;
    ended = new Map();
  }

  function grant(lease: Lease): void {
    if (alive.has(lease.token)) throw new Error(`lease ${lease.token} is granted twice`);
    alive.set(lease.token, lease);
    granted += 1;
    lease.executor.leases.set(lease.token, lease);
    occupy(lease.executor, lease.capability, 1);
  }

  function release(lease: Lease): void {
    if (alive.get(lease.token) !== lease) throw new Error(`lease ${lease.token} has ended already`);
    alive.delete(lease.token);
    lease.executor.leases.delete(lease.token);
    occupy(lease.executor, lease.capability, -1);
  }

  return {
    get size() {
      return alive.size;
    },
    get granted() {
      return granted;
    },
    get: (token) => alive.get(token),
    grant,
    end(lease, status) {
      release(lease);
      remember(lease.token, lease.executor.executorId, status);
    },
    transfer(lease, executor) {
      release(lease);
      const moved = { ...lease, executor };
      grant(moved);
      return moved;
    },
    statusOf(token, executorId) {
      const holder = ended.get(token) ?? endedBefore.get(token);
      if (holder === undefined) return 'UNKNOWN';
      return holder === executorId && holder !== NOBODY ? 'RECORDED' : 'STALE';
    },
    remember,
  };
}
