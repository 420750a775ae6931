// Who may use a data folder: one process at a time (S6).
//
// The lock is an exclusive transaction on a small SQLite file of its own that is never written to.
// The operating system drops it with the process, however that ends, so no stale lock can remain.

import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port.ts';
import { SQLITE_BUSY, sqliteErrorCode, unusableFile } from './errors.ts';

/** Returns what gives the lock back. Throws IN_USE at once if somebody else has it. */
export function lockFolder(folder: string, lockFile: string): () => void {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lockFile, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (sqliteErrorCode(error) === SQLITE_BUSY) {
      throw new StoreError(
        'IN_USE',
        `the data folder ${folder} is in use by another orchestrator, which holds ${lockFile}. ` +
          'Stop it, or give this one another data folder.',
      );
    }
    throw unusableFile(lockFile, error);
  }
  const lock = database;
  return () => lock.close();
}
