// Bugs that must be found: what finds none of them proves nothing.

import type { DiskOptions } from './disk/disk.ts';
import type { Alteration } from './workload/altered.ts';

export interface Planted {
  readonly what: string;
  readonly alteration?: Alteration;
  readonly ignoreSyncs: DiskOptions['ignoreSyncs'];
  /** What is lost shows where it was promised; what is torn, anywhere. */
  readonly cut: { readonly of: 'CALLS' | 'PROMISES'; readonly every: number };
}

const PROMISES = { of: 'PROMISES', every: 1 } as const;
const SOME_CALLS = { of: 'CALLS', every: 7 } as const;

export const PLANTED: readonly Planted[] = [
  {
    what: 'SQLite syncs nothing (synchronous=OFF)',
    alteration: 'UNSYNCED',
    ignoreSyncs: 'NONE',
    cut: PROMISES,
  },
  {
    what: 'commits are not synced (synchronous=NORMAL)',
    alteration: 'LATE_SYNC',
    ignoreSyncs: 'NONE',
    cut: PROMISES,
  },
  {
    what: 'batches are not transactions',
    alteration: 'NO_TRANSACTIONS',
    ignoreSyncs: 'NONE',
    cut: SOME_CALLS,
  },
  { what: 'no folder is synced', ignoreSyncs: 'OF_FOLDERS', cut: PROMISES },
];
