// Does the model hold what the real folder holds? If a call had been missed, it would not.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createRandom } from '../../simulation/world/random.ts';
import type { Recording } from '../recorder/record.ts';
import { createDisk } from './disk.ts';
import { filesOf, imagesOf, SHARED_MEMORY } from './images.ts';

/** What differs; undefined where nothing does. Memory that is shared by mapping is left out. */
export function findDifference(recording: Recording): string | undefined {
  const disk = createDisk({ root: recording.root, ignoreSyncs: 'NONE' });
  for (const call of recording.calls) disk.apply(call);
  const [everything] = imagesOf(disk, createRandom(0), 0);
  const modelled = everything === undefined ? new Map<string, Buffer>() : filesOf(disk, everything);
  const real = readdirSync(recording.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(recording.root, join(entry.parentPath, entry.name)));
  for (const path of new Set([...real, ...modelled.keys()])) {
    if (path.endsWith(SHARED_MEMORY)) continue;
    const found = join(recording.root, path);
    const content = modelled.get(path);
    if (content === undefined) return `${path} is there, and no recorded call made it`;
    if (!existsSync(found)) return `${path} is not there, and no recorded call removed it`;
    if (!content.equals(readFileSync(found))) return `${path} is not what the recorded calls make of it`;
  }
  return undefined;
}
