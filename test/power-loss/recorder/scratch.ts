// Where may thousands of small folders be made? In memory, where there is such a place.

import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';

/** What a power loss leaves is worked out, not caused: so nothing here needs a disk. */
export function scratchFolder(): string {
  try {
    accessSync(MEMORY, constants.W_OK | constants.X_OK);
    return MEMORY;
  } catch {
    return tmpdir();
  }
}
