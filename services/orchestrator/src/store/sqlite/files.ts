// What lies in the data folder, and how the folder itself comes to be durable.

import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../port.ts';
import { describeError } from './errors.ts';

export const DATABASE_FILE = 'tutti.db';
export const LOCK_FILE = 'tutti.lock';

/** Throws UNUSABLE where the folder cannot be made. */
export function makeFolder(folder: string): void {
  try {
    const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    // Each new folder's entry is durable only once the folder above it has been synced.
    for (let inner = folder; inner.length >= made.length; inner = dirname(inner)) syncFolder(dirname(inner));
  } catch (error) {
    throw new StoreError('UNUSABLE', `the data folder ${folder} cannot be made: ${describeError(error)}`);
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
