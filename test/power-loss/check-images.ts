// Every image that a power loss at every boundary of a recording may leave, opened and judged.

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../simulation/world/random.ts';
import type { Finding } from './audit/audit.ts';
import type { Auditors } from './audit/auditors.ts';
import { judge } from './audit/judge.ts';
import { createDisk, type Disk, type DiskOptions } from './disk/disk.ts';
import { filesOf, type Image, imagesOf, writeFiles } from './disk/images.ts';
import { countLaidDown } from './disk/lost.ts';
import { DATA_FOLDER, type Trace } from './recorder/record.ts';
import type { Call } from './recorder/trace.ts';
import { type Known, know, NOTHING_KNOWN, readNote } from './workload/notes.ts';

export interface CheckOptions {
  readonly seed: number;
  /** Of each boundary, besides those that are always made. */
  readonly randomImages: number;
  /** Every boundary whose number is a multiple of this one; of all, or of those that come with a promise. */
  readonly every: number;
  readonly of?: 'CALLS' | 'PROMISES';
  readonly ignoreSyncs?: DiskOptions['ignoreSyncs'];
  /** Ends with the first of so many violations. */
  readonly maxViolations: number;
}

export interface Report {
  /** Places in the recording at which the power was cut. */
  readonly boundaries: number;
  /** Pairs of what is on the disk and what was known when it came to be. */
  readonly images: number;
  /** How often the store was opened: once for each content of a disk. */
  readonly opened: number;
  /** Steps, in the whole recording. */
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

/** @param scratch a folder that is there, for folders that are made and removed */
export async function checkImages(
  recording: Trace,
  auditors: Auditors,
  scratch: string,
  options: CheckOptions,
): Promise<Report> {
  const disk = createDisk({ root: recording.root, ignoreSyncs: options.ignoreSyncs ?? 'NONE' });
  const finder = createFinder(disk, auditors, scratch, options.seed);
  let known: ReadonlyMap<string, Known> = new Map();
  const violations: string[] = [];
  const counts = { places: 0, boundaries: 0, images: 0, acknowledged: 0 };

  const judging: Promise<void>[] = [];

  async function cut(boundary: string): Promise<void> {
    const random = createRandom(options.seed, boundary);
    const knownNow = known;
    for (const image of imagesOf(disk, random, options.randomImages)) {
      await finder.room();
      counts.images += 1;
      const judged = finder.find(image).then((finding) => {
        const wrong = judge(finding, knownNow);
        if (wrong === undefined) return;
        violations.push(`power lost after ${boundary}, with ${image.what} on the disk: ${wrong}`);
      });
      judging.push(judged);
    }
  }

  const laidDown = countLaidDown(recording.calls);
  for (const [number, call] of recording.calls.entries()) {
    disk.apply(call);
    if (call.type === 'NOTE') {
      const note = readNote(call.text);
      known = new Map(known).set(note.lane, know(known.get(note.lane) ?? NOTHING_KNOWN, note));
      if (note.what === 'ACKNOWLEDGED') counts.acknowledged += 1;
    }
    if (number < laidDown || !changes(call) || (options.of === 'PROMISES' && call.type !== 'NOTE')) continue;
    counts.places += 1;
    if (violations.length >= options.maxViolations || counts.places % options.every !== 0) continue;
    counts.boundaries += 1;
    await cut(describe(call, number));
  }
  await Promise.all(judging);
  const { boundaries, images, acknowledged } = counts;
  return { boundaries, images, opened: finder.opened(), acknowledged, violations };
}

/** Whether there is anything new after it, on the disk or in what was promised. */
function changes(call: Call): boolean {
  switch (call.type) {
    case 'OPEN':
      return call.created || call.truncated;
    case 'NOTE': {
      const { what } = readNote(call.text);
      return what === 'ACKNOWLEDGED' || what === 'READ' || what === 'EPOCH';
    }
    case 'WRITE':
    case 'TRUNCATE':
    case 'SYNC':
    case 'UNLINK':
    case 'RENAME':
    case 'MKDIR':
      return true;
    case 'CLOSE':
    case 'REFUSED':
      return false;
  }
}

function describe(call: Call, number: number): string {
  const shown = JSON.stringify(call, (key, value: unknown) => (key === 'bytes' ? undefined : value));
  return `call ${number} ${shown}`;
}

interface Finder {
  find(image: Image): Promise<Finding>;
  /** Resolves when not too many are under way. */
  room(): Promise<void>;
  opened(): number;
}

function createFinder(disk: Disk, auditors: Auditors, scratch: string, seed: number): Finder {
  const findings = new Map<string, Promise<Finding>>();
  const running = new Set<Promise<Finding>>();

  /** The image is laid down at once: the disk goes on. */
  function open(image: Image): Promise<Finding> {
    const root = mkdtempSync(join(scratch, 'image-'));
    const random = createRandom(seed, image.id);
    writeFiles(root, filesOf(disk, image), (size) => Buffer.alloc(size, random.below(256)));
    const finding = auditors.find(join(root, DATA_FOLDER)).finally(() => {
      rmSync(root, { recursive: true });
      running.delete(finding);
    });
    running.add(finding);
    return finding;
  }

  return {
    opened: () => findings.size,
    room: async () => {
      while (running.size > auditors.size) await Promise.race(running);
    },
    find: (image) => {
      const finding = findings.get(image.id) ?? open(image);
      findings.set(image.id, finding);
      return finding;
    },
  };
}
