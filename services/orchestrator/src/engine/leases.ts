// Who holds which attempt. A lease is the expiring, fenced right of one executor to one attempt; its
// token must come back with every report. Slots in use are exactly the leases (promise 7).

import { occupy, type PoolMember } from '../scheduling/executor-pool.ts';
import type { Timer } from '../scheduling/timers.ts';
import type { ActiveRun, TimerSubject } from './active-run.ts';
import type { ReportStatus } from './inputs.ts';

export interface Lease {
  readonly token: string;
  readonly run: ActiveRun;
  readonly task: number;
  readonly capability: string;
  readonly holder: Holder;
  readonly grantedAtMs: number;
  expiresAtMs: number;
}

/** An executor, from its first registration, or from the first lease found at a restart, to its loss. */
export interface Holder extends PoolMember {
  /** Undefined after a restart, until it registers again. */
  session: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  draining: boolean;
  readonly leases: Map<string, Lease>;
  readonly registeredAtMs: number;
  heardAtMs: number;
  readonly timer: Timer<TimerSubject>;
}

/** How many ended leases are remembered, to tell a late or repeated report what became of it. */
const REMEMBERED_LEASES = 50_000;

export interface Leases {
  readonly size: number;
  get(token: string): Lease | undefined;
  grant(lease: Lease): void;
  /** Ends a living lease: its slot is free at once. */
  end(lease: Lease, status: Extract<ReportStatus, 'RECORDED' | 'STALE'>): void;
  /** Moves a living lease over to its holder's new session. */
  transfer(lease: Lease, holder: Holder): Lease;
  /** What to answer to a report whose lease is not alive. */
  statusOf(token: string): ReportStatus;
  remember(token: string, status: Extract<ReportStatus, 'RECORDED' | 'STALE'>): void;
}

export function createLeases(): Leases {
  const alive = new Map<string, Lease>();
  const ended = new Map<string, ReportStatus>();

  function remember(token: string, status: ReportStatus): void {
    ended.set(token, status);
    if (ended.size > REMEMBERED_LEASES) ended.delete(ended.keys().next().value as string);
  }

  function grant(lease: Lease): void {
    if (alive.has(lease.token)) throw new Error(`lease ${lease.token} is granted twice`);
    alive.set(lease.token, lease);
    lease.holder.leases.set(lease.token, lease);
    occupy(lease.holder, lease.capability, 1);
  }

  function release(lease: Lease): void {
    if (alive.get(lease.token) !== lease) throw new Error(`lease ${lease.token} has ended already`);
    alive.delete(lease.token);
    lease.holder.leases.delete(lease.token);
    occupy(lease.holder, lease.capability, -1);
  }

  return {
    get size() {
      return alive.size;
    },
    get: (token) => alive.get(token),
    grant,
    end(lease, status) {
      release(lease);
      remember(lease.token, status);
    },
    transfer(lease, holder) {
      release(lease);
      const moved = { ...lease, holder };
      grant(moved);
      return moved;
    },
    statusOf: (token) => ended.get(token) ?? 'UNKNOWN',
    remember,
  };
}
