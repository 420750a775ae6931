// Does docs/promises.md say what the code says, and is everything there that it names?

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { INVARIANTS } from '../invariants/invariants.ts';
import { FAULTS } from '../world/coverage.ts';
import { promisesPage, type SeedsRun } from './page.ts';
import { PROMISES } from './promises.ts';

const root = new URL('../../../', import.meta.url);
const run: SeedsRun = JSON.parse(readFileSync(new URL('seeds-run.json', import.meta.url), 'utf8'));

/** What seeds came to is written by `npm run simulate -- --seeds N --publish` alone. */
test('docs/promises.md is fresh', () => {
  const page = promisesPage(INVARIANTS, run);
  const place = new URL('docs/promises.md', root);
  if (process.env.UPDATE_PROMISES === '1') writeFileSync(place, page);
  expect(readFileSync(place, 'utf8')).toBe(page);
});

test('the files that it names are there', () => {
  const places = PROMISES.flatMap(({ keptIn, testedIn }) => [...keptIn, ...testedIn]);
  expect(places.filter(({ path }) => !existsSync(new URL(path, root)))).toEqual([]);
});

test('every promise has an invariant, and every fault was there', () => {
  const unchecked = PROMISES.filter(
    ({ number }) => !Object.keys(INVARIANTS).some((id) => id.startsWith(`P${number}.`)),
  );
  expect(unchecked).toEqual([]);
  expect(FAULTS.filter((fault) => !((run.faults[fault] ?? 0) > 0))).toEqual([]);
});
