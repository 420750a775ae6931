// The worker of the toy contestants: for each run it is told of it writes to a file, with or without an fsync.

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { nowMs } from '../peers/clock.ts';
import { tellEnded, workerReady, workerSettings } from '../peers/worker-side.ts';

const { file, does } = workerSettings<{ file: string; does: 'NOTHING' | 'WRITE' | 'FSYNC' }>();
const descriptor = openSync(file, 'a');

process.on('message', ({ run }: { run: string }) => {
  const beganMs = nowMs();
  if (does !== 'NOTHING') writeSync(descriptor, `${run}\n`);
  if (does === 'FSYNC') fsyncSync(descriptor);
  tellEnded(run, beganMs);
});
workerReady(async () => closeSync(descriptor));
