import { expect, test } from 'vitest';
import { intern } from './intern.ts';

test('texts without end are not kept without end, and are right all the same', () => {
  for (let index = 0; index < 25_000; index += 1) expect(intern(`text-${index}`)).toBe(`text-${index}`);
});
