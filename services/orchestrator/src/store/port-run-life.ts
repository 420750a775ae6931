// What the store port (port.ts) offers for runs that are final: how they are archived and deleted, and for
// how long they are kept. S3 and S10 are the numbers in port.ts.

import type { RequestRow, RunNumber } from './port.ts';

export interface RunLifeStore {
  /** S10. Nothing of a deleted run is found any more; what it leaves behind is swept later. */
  changeRun(change: RunChange): Promise<RunChangeOutcome>;
  /** Removes what deleted runs have left behind. Returns how many rows went, at most `limit`. */
  sweepDeletedRuns(limit: number): Promise<number>;
  /** Makes the namespace if needed, without claiming it. */
  setRetention(change: RetentionChange): Promise<void>;
  /** As RetentionChange has it. */
  getRetention(namespace: string): Promise<number | undefined>;
  /**
   * Runs whose time is over, of any namespace: final, not archived, with nothing that links to them.
   * @param defaultMs for namespaces that have set nothing; undefined: for ever
   */
  findExpiredRuns(
    nowMs: number,
    defaultMs: number | undefined,
    limit: number,
  ): Promise<readonly ExpiredRun[]>;
  /** The ids of runs that link to this one, up to `limit`. */
  findLinkingRuns(namespace: string, run: RunNumber, limit: number): Promise<readonly string[]>;
}

/** Neither way of deleting touches a run that is archived, or that another one links to. */
export interface RunChange {
  readonly namespace: string;
  readonly epoch: number;
  readonly run: RunNumber;
  readonly action:
    | { readonly type: 'DELETE' }
    /** Deletes it unless it ended later. */
    | { readonly type: 'EXPIRE'; readonly endedBeforeMs: number }
    | { readonly type: 'ARCHIVE' }
    | { readonly type: 'UNARCHIVE' };
  /** Kept if it is DONE. */
  readonly requests: readonly RequestRow[];
}

/** LINKED: another run took results of it. KEPT: EXPIRE of a run that ended later. */
export type RunChangeOutcome = 'DONE' | 'NOT_FOUND' | 'NOT_FINAL' | 'ARCHIVED' | 'LINKED' | 'KEPT';

export interface RetentionChange {
  readonly namespace: string;
  /** How long final runs are kept; 0: for ever; undefined: as configured. */
  readonly retentionMs: number | undefined;
  readonly requests: readonly RequestRow[];
}

export interface ExpiredRun {
  readonly namespace: string;
  readonly run: RunNumber;
  readonly runId: string;
  /** What it must have ended before. */
  readonly endedBeforeMs: number;
}
