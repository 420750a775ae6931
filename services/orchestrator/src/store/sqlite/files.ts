// What lies in the data folder, and how the folder itself comes to be durable.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StoreError } from '../port.ts';
import { describeError, OTHER_FOLDER } from './errors.ts';

export const DATABASE_FILE = 'tutti.db';
/** What SQLite calls its write-ahead log. */
const LOG_FILE = `${DATABASE_FILE}-wal`;
export const LOCK_FILE = 'tutti.lock';
/** The log has a few MB, rarely 64. */
const REWRITE_BYTES = 1024 * 1024;

/** Throws UNUSABLE where the folder cannot be made, or nothing can be written in it. */
export function makeFolder(folder: string): void {
  try {
    // One by one: mkdir with `recursive` never returns where a parent cannot have children (/proc).
    for (const missing of missingFolders(folder)) {
      makeOne(missing);
      // A new folder's entry is durable only once the folder above it has been synced.
      syncFolder(dirname(missing));
    }
  } catch (error) {
    throw unusable(`the data folder ${folder} cannot be made: ${describeError(error)}`);
  }
  if (!statSync(folder).isDirectory()) {
    throw unusable(`the data folder ${folder} cannot be used: there is a file of that name`);
  }
  requireWritable(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const database = join(folder, DATABASE_FILE);
  if (existsSync(database)) requireWritable(database, constants.R_OK | constants.W_OK);
}

/** From the outermost to the folder itself. */
function missingFolders(folder: string): readonly string[] {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  return missing;
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Somebody else has just made it.
    if (!existsSync(folder)) throw error;
  }
}

function requireWritable(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    const remedy = `let the user of this process write there, or ${OTHER_FOLDER}`;
    throw new StoreError('UNUSABLE', `${path} cannot be written: ${describeError(error)}: ${remedy}`);
  }
}

function unusable(what: string): StoreError {
  return new StoreError('UNUSABLE', `${what}: ${OTHER_FOLDER}`);
}

/**
 * Makes durable what an earlier process left in the log: one that was killed between writing a commit and
 * syncing it, or whose sync failed. SQLite would show that commit, and a power loss would take it back,
 * with all that came after it. After a failed sync another one is not enough: the system takes the pages
 * for written. So they are written again, byte for byte.
 */
export function rewriteLog(folder: string): void {
  const log = join(folder, LOG_FILE);
  if (!existsSync(log)) return;
  const descriptor = openSync(log, 'r+');
  try {
    const part = Buffer.allocUnsafe(REWRITE_BYTES);
    let at = 0;
    for (let read = readSync(descriptor, part, 0, part.length, at); read > 0; ) {
      for (let written = 0; written < read; ) {
        written += writeSync(descriptor, part, written, read - written, at + written);
      }
      at += read;
      read = readSync(descriptor, part, 0, part.length, at);
    }
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes the entries of a folder durable: a new file's name is not part of its own fsync. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
