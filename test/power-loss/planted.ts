// Bugs that must be found: what finds none of them proves nothing.

import type { DiskOptions } from './disk/disk.ts';
import type { Alteration } from './workload/altered.ts';

export interface Planted {
  readonly what: string;
  readonly alteration?: Alteration;
  readonly ignoreSyncs: DiskOptions['ignoreSyncs'];
}

export const PLANTED: readonly Planted[] = [
  { what: 'SQLite syncs nothing (synchronous=OFF)', alteration: 'UNSYNCED', ignoreSyncs: 'NONE' },
  { what: 'commits are not synced (synchronous=NORMAL)', alteration: 'LATE_SYNC', ignoreSyncs: 'NONE' },
  { what: 'batches are not transactions', alteration: 'NO_TRANSACTIONS', ignoreSyncs: 'NONE' },
  { what: 'no folder is synced', ignoreSyncs: 'OF_FOLDERS' },
];
