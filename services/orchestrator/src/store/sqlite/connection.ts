// How a connection to the database is set up, and the proof that its settings hold.

import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port.ts';

/** A negative cache_size is in KiB. The writer's hot pages are the ends of a few tables. */
const WRITER_CACHE_KIB = 32 * 1024;
const READER_CACHE_KIB = 16 * 1024;
/** How much log gathers before it goes into the database: fewer, larger checkpoints write less. */
const CHECKPOINT_PAGES = 4_000;
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;
const BUSY_TIMEOUT_MS = 5_000;

/** The one connection that writes. Throws UNUSABLE where a commit would not be durable. */
export function openWriter(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: false });
  try {
    database.exec(`PRAGMA cache_size = -${WRITER_CACHE_KIB}`);
    database.exec('PRAGMA temp_store = MEMORY');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.exec(`PRAGMA journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    requireSetting(database, file, 'journal_mode', 'wal');
    requireSetting(database, file, 'synchronous', 2);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Sees every commit that was finished when a read begins; never waits for the writer, nor delays it. */
export function openReader(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
  database.exec(`PRAGMA cache_size = -${READER_CACHE_KIB}`);
  database.exec('PRAGMA temp_store = MEMORY');
  return database;
}

/** The value of a setting, as SQLite itself tells it. */
export function readSetting(database: DatabaseSync, setting: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${setting}`).get() ?? {})[0];
}

function requireSetting(
  database: DatabaseSync,
  file: string,
  setting: string,
  wanted: string | number,
): void {
  const found = readSetting(database, setting);
  if (found === wanted) return;
  throw new StoreError(
    'UNUSABLE',
    `${file}: SQLite answers ${setting}=${String(found)} where ${wanted} was set; commits would not be ` +
      'durable. Use a local disk for the data folder.',
  );
}
