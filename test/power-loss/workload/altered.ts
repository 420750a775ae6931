// Loaded into a process before the store, this alters how the store uses SQLite: the tests of the tests,
// which must find what that loses, and a run with more checkpoints than a short one would see. No option of
// the product comes near any of it.
//
//   STORE_ALTERED   one of ALTERATIONS

import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync } from 'node:sqlite';
import threads, { isMainThread, type WorkerOptions } from 'node:worker_threads';

export const ALTERATIONS = {
  /** SQLite syncs nothing. */
  UNSYNCED: { 'PRAGMA synchronous = FULL': 'PRAGMA synchronous = OFF' },
  /** SQLite syncs before a checkpoint, and not at a commit. */
  LATE_SYNC: { 'PRAGMA synchronous = FULL': 'PRAGMA synchronous = NORMAL' },
  /** Every statement is a transaction. */
  NO_TRANSACTIONS: { 'BEGIN IMMEDIATE': '' },
  /** No bug: as shipped, with a hundredth of the log. */
  MANY_CHECKPOINTS: { 'PRAGMA wal_autocheckpoint = 4000': 'PRAGMA wal_autocheckpoint = 40' },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type Alteration = keyof typeof ALTERATIONS;

/** What the store reads back to be sure of it; it is told what it wants to hear. */
const READ_BACK = 'PRAGMA synchronous';
const WANTED = 'SELECT 2 AS synchronous';

function alterSqlite(statements: Readonly<Record<string, string>>): void {
  const { exec, prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
    // Nothing was begun.
    const nothing = sql === 'COMMIT' && !this.isTransaction;
    exec.call(this, nothing ? '' : (statements[sql] ?? sql));
  };
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql) {
    return prepare.call(this, sql === READ_BACK ? WANTED : sql);
  };
}

/** The store gives its threads flags of their own. */
function alterThreads(): void {
  const { Worker } = threads;
  (threads as { Worker: unknown }).Worker = class extends Worker {
    constructor(script: URL, options: WorkerOptions) {
      super(script, {
        ...options,
        execArgv: [...(options.execArgv ?? []), '--import', import.meta.filename],
      });
    }
  };
  syncBuiltinESMExports();
}

const wanted = process.env['STORE_ALTERED'];
if (wanted !== undefined) {
  if (isMainThread) alterThreads();
  else alterSqlite(ALTERATIONS[wanted as Alteration]);
}
