// What a program leaves in its folder may be beyond the executor's rights. Root may delete anything, so
// the refusal of the operating system is played here.

import { expect, test, vi } from 'vitest';
import { createTestContext } from '../testing/attempt-context.ts';

vi.mock(import('node:fs/promises'), async (original) => ({
  ...(await original()),
  rm: async () => {
    throw new Error('EACCES: permission denied');
  },
}));
const { createCommandRun } = await import('./command-run.ts');

test('a folder that cannot be deleted is told of, and the result stays', async () => {
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (_fields: object, message: string) => void warnings.push(message),
    error() {},
  };
  const run = createCommandRun(new Map([['node', process.execPath]]));
  const input = { command: 'node', args: ['-e', 'process.stdout.write("done")'] };
  expect(await run(input, createTestContext({ logger }))).toMatchObject({ exitCode: 0, stdout: 'done' });
  expect(warnings).toEqual(['a folder of a command could not be deleted']);
});
