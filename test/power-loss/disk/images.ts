// What may a power loss leave on the disk? Some of the changes that were not durable, whole or in part.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../simulation/world/random.ts';
import { type Change, changed, type Disk, type File, type Folder, type Pending } from './disk.ts';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** How the name of a file ends that processes map into their memory, past the recorder. */
export const SHARED_MEMORY = '-shm';

export interface Image {
  /** The same for images with the same content of one disk. */
  readonly id: string;
  /** For people: which changes are on the disk. */
  readonly what: string;
  /** On top of what is durable, in order. */
  readonly changes: readonly Change[];
}

/** What there is after `disk` lost its power now. */
export function imagesOf(disk: Disk, random: Random, randomImages: number): readonly Image[] {
  const pending = disk.pending();
  const last = pending.findLast((one) => one.state !== 'CERTAIN');
  const image = (what: string, choose: (one: Pending) => Choice) => makeImage(disk, what, choose);
  const images = [image('all of it', () => 'WHOLE')];
  if (last === undefined) return images;
  const first = pending.find((one) => one.state !== 'CERTAIN');
  images.push(
    image('nothing of it', () => 'NOT'),
    image('all but the last change', (one) => (one === last ? 'NOT' : 'WHOLE')),
    image('the last change alone', (one) => (one === last ? 'WHOLE' : 'NOT')),
    image('all but the first change', (one) => (one === first ? 'NOT' : 'WHOLE')),
    image('all, the last change torn', (one) => (one === last ? torn(random) : 'WHOLE')),
  );
  for (let i = 0; i < randomImages; i += 1) {
    // From almost nothing to almost everything.
    const share = random.between(1, 99) / 100;
    const tears = random.chance(0.5);
    images.push(
      image('some of it', () => {
        if (tears && random.chance(0.3)) return torn(random);
        return random.chance(share) ? 'WHOLE' : 'NOT';
      }),
    );
  }
  return [...new Map(images.map((one) => [one.id, one])).values()];
}

/** For each sector of a write, in order, whether it reached the disk. */
type Choice = 'WHOLE' | 'NOT' | (() => boolean);

function torn(random: Random): () => boolean {
  return () => random.chance(0.5);
}

function makeImage(disk: Disk, what: string, choose: (one: Pending) => Choice): Image {
  const id = createHash('sha256').update(String(disk.version()));
  const changes: Change[] = [];
  const take = (number: number, piece: number, change: Change): void => {
    id.update(` ${number}.${piece}`);
    changes.push(change);
  };
  for (const one of disk.pending()) {
    const choice = one.state === 'CERTAIN' ? 'WHOLE' : choose(one);
    if (choice === 'NOT') continue;
    if (choice === 'WHOLE') take(one.id, 0, one.change);
    else {
      sectorsOf(one.change).forEach((sector, piece) => {
        if (choice()) take(one.id, piece + 1, sector);
      });
    }
  }
  return { id: id.digest('hex'), what, changes };
}

/** What is no write is not torn. */
function sectorsOf(change: Change): readonly Change[] {
  if (change.type !== 'WRITE') return [change];
  const sectors: Change[] = [];
  const end = change.offset + change.bytes.length;
  for (let at = change.offset; at < end; ) {
    const next = Math.min(end, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
    sectors.push({
      ...change,
      offset: at,
      bytes: change.bytes.subarray(at - change.offset, next - change.offset),
    });
    at = next;
  }
  return sectors;
}

/** Path below the root -> content, of all files that can be found. */
export function filesOf(disk: Disk, image: Image): ReadonlyMap<string, Buffer> {
  const contents = new Map<File, Buffer>();
  const names = new Map<Folder, Map<string, File | Folder>>();
  for (const change of image.changes) {
    if (change.type === 'NAME') {
      const own = names.get(change.folder) ?? new Map(change.folder.durable);
      if (change.node === undefined) own.delete(change.name);
      else own.set(change.name, change.node);
      names.set(change.folder, own);
    } else {
      const content = contents.get(change.file) ?? Buffer.from(change.file.durable);
      contents.set(change.file, changed(content, change));
    }
  }
  const files = new Map<string, Buffer>();
  const walk = (folder: Folder, path: string): void => {
    for (const [name, node] of names.get(folder) ?? folder.durable) {
      if (node.type === 'FOLDER') walk(node, join(path, name));
      else files.set(join(path, name), contents.get(node) ?? node.durable);
    }
  };
  walk(disk.root, '');
  return files;
}

/** @param scramble gives the content of files that are memory shared by processes: nothing promises what is in them */
export function writeFiles(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  scramble: (size: number) => Buffer,
): void {
  for (const [path, content] of files) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), path.endsWith(SHARED_MEMORY) ? scramble(content.length) : content);
  }
}
