// Whoever reads that a data folder cannot be used learns what to do about it.

import { expect, it } from 'vitest';
import { unusableFile } from './errors.ts';

const sqlite = (errcode: number) => Object.assign(new Error('refused'), { errcode });
const system = (code: string) => Object.assign(new Error('refused'), { code });

it.each([
  ['SQLITE_FULL', sqlite(13), 'make room on its disk'],
  ['ENOSPC', system('ENOSPC'), 'make room on its disk'],
  ['SQLITE_IOERR_FSYNC', sqlite(10 | (4 << 8)), 'its disk does not read or write it'],
  ['EIO', system('EIO'), 'its disk does not read or write it'],
  ['SQLITE_CORRUPT', sqlite(11), 'put a sound copy in its place'],
  ['SQLITE_CANTOPEN', sqlite(14), 'let the user of this process write there'],
  ['EACCES', system('EACCES'), 'let the user of this process write there'],
])('names the remedy for %s', (_, error, remedy) => {
  const { code, message } = unusableFile('data/tutti.db', error);
  expect(code).toBe('UNUSABLE');
  expect(message).toContain('data/tutti.db cannot be used: refused');
  expect(message).toContain(remedy);
  expect(message).toContain('--data');
});
