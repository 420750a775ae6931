// A recording that was kept is the same when it is read again.

import { expect, it } from 'vitest';
import { type Call, readTrace, writeTrace } from './trace.ts';

const calls: readonly Call[] = [
  { type: 'MKDIR', path: '/r/a' },
  { type: 'OPEN', fd: 3, path: '/r/a/f', created: true, truncated: false },
  { type: 'WRITE', fd: 3, offset: 4096, bytes: Buffer.from('some') },
  { type: 'TRUNCATE', fd: 3, size: 7 },
  { type: 'SYNC', fd: 3, failed: true },
  { type: 'NOTE', text: 'commits ACKNOWLEDGED 3' },
  { type: 'RENAME', path: '/r/a/f', to: '/r/a/g' },
  { type: 'UNLINK', path: '/r/a/g' },
  { type: 'CLOSE', fd: -1 },
];

it('every call is read as it was written', () => {
  expect(readTrace(writeTrace(calls))).toEqual(calls);
});

it('a record that was not written to its end is left out', () => {
  const log = writeTrace(calls.slice(0, 3));
  expect(readTrace(log.subarray(0, log.length - 1))).toEqual(calls.slice(0, 2));
});
