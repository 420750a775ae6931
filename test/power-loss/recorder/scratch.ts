// Where do thousands of small folders go? Into memory, where there is such a place.

import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const made = new Set<string>();

/** What a power loss leaves is worked out, not caused: so nothing here needs a disk. */
function scratchPlace(): string {
  try {
    accessSync(MEMORY, constants.W_OK | constants.X_OK);
    return MEMORY;
  } catch {
    return tmpdir();
  }
}

/** Removed with removeScratch(), or at the end of the process. */
export function makeScratch(): string {
  if (made.size === 0) process.once('exit', () => [...made].forEach(removeScratch));
  const folder = mkdtempSync(join(scratchPlace(), 'tutti-power-'));
  made.add(folder);
  return folder;
}

export function removeScratch(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  made.delete(folder);
}
