// What does a power loss leave to the process that comes after it, on the disk and by what was promised?

import { join } from 'node:path';
import { createRandom } from '../../simulation/world/random.ts';
import type { Call } from '../recorder/trace.ts';
import { createDisk } from './disk.ts';
import { filesOf, imagesOf } from './images.ts';

export interface Lost {
  /** Path below the root -> content. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What had been noted. */
  readonly notes: readonly Call[];
}

/** No process has such a descriptor: these calls only lay down what was there before the first one. */
const NO_DESCRIPTOR = -1;

/** One of the disks that there can be, somewhere in the last two thirds of a recording. */
export function losePower(root: string, calls: readonly Call[], seed: number): Lost {
  const random = createRandom(seed, 'lost');
  const end = random.between(Math.floor(calls.length / 3), calls.length - 1);
  const disk = createDisk({ root, ignoreSyncs: 'NONE' });
  const before = calls.slice(0, end);
  for (const call of before) disk.apply(call);
  const image = random.pick(imagesOf(disk, random, 5));
  return { files: filesOf(disk, image), notes: before.filter((call) => call.type === 'NOTE') };
}

/** The calls that make it so, durably. */
export function layDown(root: string, { files, notes }: Lost): readonly Call[] {
  const calls: Call[] = [...notes];
  const folders = new Set<string>();
  for (const path of files.keys()) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      folders.add(path.slice(0, at));
  }
  // Outer ones first.
  for (const folder of [...folders].sort()) calls.push({ type: 'MKDIR', path: join(root, folder) });
  const fd = NO_DESCRIPTOR;
  const sync = (path: string, created: boolean, bytes?: Buffer): void => {
    calls.push({ type: 'OPEN', fd, path, created, truncated: false });
    if (bytes !== undefined) calls.push({ type: 'WRITE', fd, offset: 0, bytes });
    calls.push({ type: 'SYNC', fd, failed: false }, { type: 'CLOSE', fd });
  };
  for (const [path, content] of files) sync(join(root, path), true, content);
  for (const folder of ['', ...folders]) sync(join(root, folder), false);
  return calls;
}

/** How many calls of a trace lay down what was there before. */
export function countLaidDown(calls: readonly Call[]): number {
  return calls.findLastIndex((call) => 'fd' in call && call.fd === NO_DESCRIPTOR) + 1;
}
