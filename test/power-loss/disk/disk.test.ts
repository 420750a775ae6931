// What may be on the disk after a power loss: the rules D1 to D4 of disk.ts.

import { expect, it } from 'vitest';
import { createRandom } from '../../simulation/world/random.ts';
import type { Call } from '../recorder/trace.ts';
import { createDisk } from './disk.ts';
import { filesOf, imagesOf } from './images.ts';

const create = (fd: number, path: string): Call => ({
  type: 'OPEN',
  fd,
  path,
  created: true,
  truncated: false,
});
const open = (fd: number, path: string): Call => ({
  type: 'OPEN',
  fd,
  path,
  created: false,
  truncated: false,
});
const write = (fd: number, offset: number, text: string): Call => {
  return { type: 'WRITE', fd, offset, bytes: Buffer.from(text) };
};
const sync = (fd: number, failed = false): Call => ({ type: 'SYNC', fd, failed });
/** A file of which everything is durable. */
const begun = [create(3, '/r/f'), open(4, '/r'), write(3, 0, 'old'), sync(3), sync(4)];

/** What the file may hold after the power was lost, in order; undefined where there is no file. */
function contents(calls: readonly Call[], ignoreSyncs: 'NONE' | 'OF_FOLDERS' = 'NONE'): unknown[] {
  const disk = createDisk({ root: '/r', ignoreSyncs });
  for (const call of calls) disk.apply(call);
  const images = imagesOf(disk, createRandom(1), 100);
  return [...new Set(images.map((image) => filesOf(disk, image).get('f')?.toString()))].sort();
}

it('D1: what was synced is there, what was written since may be', () => {
  expect(contents(begun)).toEqual(['old']);
  expect(contents([...begun, write(3, 0, 'new')])).toEqual(['new', 'old']);
  expect(contents([...begun, write(3, 0, 'new'), sync(3)])).toEqual(['new']);
});

it('D1: a file that was cut off may still be whole', () => {
  expect(contents([...begun, { type: 'TRUNCATE', fd: 3, size: 1 }])).toEqual(['o', 'old']);
});

it('D2: a name is there once its folder is synced, however often the file is', () => {
  const unnamed = [create(3, '/r/f'), write(3, 0, 'old'), sync(3)];
  expect(contents(unnamed)).toEqual(['old', undefined]);
  expect(contents([...unnamed, open(4, '/r'), sync(4)])).toEqual(['old']);
  expect(contents([...unnamed, open(4, '/r'), sync(4)], 'OF_FOLDERS')).toEqual(['old', undefined]);
  expect(contents([...begun, { type: 'UNLINK', path: '/r/f' }])).toEqual(['old', undefined]);
  expect(contents([...begun, { type: 'UNLINK', path: '/r/f' }, sync(4)])).toEqual([undefined]);
});

it('D3: later changes may be there without earlier ones', () => {
  expect(contents([...begun, write(3, 0, 'a'), write(3, 2, 'c')])).toEqual(['alc', 'ald', 'olc', 'old']);
});

it('D3: of a write that crosses sectors, some may be there', () => {
  const found = contents([...begun, write(3, 0, 'x'.repeat(1_024))]).map((text) => String(text).slice(0, 3));
  expect(new Set(found)).toEqual(new Set(['old', 'xxx']));
  const halves = contents([...begun, write(3, 0, 'x'.repeat(1_024))]).map((text) => String(text).length);
  expect(new Set(halves)).toEqual(new Set([3, 512, 1_024]));
});

it('D4: what a failed sync left behind stays in doubt, until it is written and synced anew', () => {
  const failed = [...begun, write(3, 0, 'new'), sync(3, true)];
  expect(contents([...failed, sync(3)])).toEqual(['new', 'old']);
  expect(contents([...failed, write(3, 0, 'NEW'), sync(3)])).toEqual(['NEW']);
  expect(contents([...failed, write(3, 2, '!'), sync(3)])).toEqual(['ne!', 'ol!']);
});

it('is told what it cannot follow', () => {
  expect(() => contents([write(9, 0, 'x')])).toThrow('descriptor 9');
  expect(() => contents([open(3, '/r/unknown')])).toThrow('/r/unknown');
});
