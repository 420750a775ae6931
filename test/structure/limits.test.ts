// docs/limits.md tells the limits as they are.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problemOf, readLimits } from './limits.ts';

const root = new URL('../../', import.meta.url);

function read(path: string): string | undefined {
  const url = new URL(path, root);
  return existsSync(url) ? readFileSync(url, 'utf8') : undefined;
}

const ROW = '| what | `a.ts` | `MAX_OF_IT` 4,096 | refused | `a.test.ts` "too many" |';
const files = (source: string, tests: string) => (path: string) =>
  ({ 'x/a.ts': source, 'x/a.test.ts': tests })[path];

test('planted mistakes are found: no such value, no such test, no such file, no such form', () => {
  const { limits, odd } = readLimits(`## Some (\`x\`)\n${ROW}\n| what | is this |`);
  expect(odd).toEqual(['| what | is this |']);
  const [limit] = limits;
  if (limit === undefined) throw new Error('the row was not read');
  expect(problemOf(limit, files('const MAX_OF_IT = 4 * 1_024;', "test('too many')"))).toBeUndefined();
  expect(problemOf(limit, files('{ MAX_OF_IT: 4_096 }', "test('too many')"))).toBeUndefined();
  expect(problemOf(limit, files('const MAX_OF_IT = 4_097;', "test('too many')"))).toContain(
    'is 4097, not 4096',
  );
  expect(problemOf(limit, files('', "test('too many')"))).toContain('nowhere');
  expect(problemOf(limit, files('const MAX_OF_IT = 4_096;', ''))).toContain('says nowhere "too many"');
  expect(problemOf(limit, () => undefined)).toContain('does not exist');
});

test('every limit of the page has that value in the code, and that test', () => {
  const { limits, odd } = readLimits(read('docs/limits.md') ?? '');
  expect(odd).toEqual([]);
  expect(limits.length).toBeGreaterThan(60);
  expect(limits.flatMap((limit) => problemOf(limit, read) ?? [])).toEqual([]);
});
