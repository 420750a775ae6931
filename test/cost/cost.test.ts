// Has a task become dearer? Counted, not timed: see limits.ts for what is counted, count.ts for how.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { complaints, type Figures } from './limits.ts';
import { SLOW_DOWNS } from './slow-downs.ts';

const PROGRAM = fileURLToPath(new URL('count.ts', import.meta.url));
const FLAGS = ['--expose-gc', '--no-opt', '--no-maglev'];

const HOW_TO_LOOK = `
Where it comes from: the functions that are entered more often than before the change, by
  node ${FLAGS.join(' ')} test/cost/count.ts --functions > after.json
and the same at the commit before, then diff. For allocations: node --heap-prof in place of --functions. If the cost
is worth it, raise the figure in test/cost/limits.ts, and say in the commit what it buys.`;

async function count(...args: string[]): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, PROGRAM, ...args]);
  return JSON.parse(stdout) as Figures;
}

test('a task costs no more steps, memory, events, commits, rows and messages than written down, nor far less', async () => {
  const figures = await count();
  const found = complaints(figures);
  expect(found, found.join('\n') + HOW_TO_LOOK).toEqual([]);
  const { single } = figures;
  if (single === undefined) throw new Error('runs of one task were not counted');
  const cheaper = complaints({ single: { ...single, steps: single.steps / 2 } });
  expect(cheaper).toEqual([expect.stringMatching(/^single: steps .*lower the figure/)]);
});

test('planted slow-downs are noticed', async () => {
  const said: string[] = [];
  // Two at a time: each has a process of its own.
  for (let index = 0; index < SLOW_DOWNS.length; index += 2) {
    const some = SLOW_DOWNS.slice(index, index + 2);
    const counted = some.map(({ name }) => count('--plant', name, '--shapes', 'large,small'));
    said.push(...(await Promise.all(counted)).map((figures) => complaints(figures).join('\n')));
  }
  expect(said).toEqual(SLOW_DOWNS.map(({ noticedBy }) => expect.stringMatching(noticedBy)));
});
