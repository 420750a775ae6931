// Every planted bug still is in the code that it was written for, and the simulation still finds it. The long form,
// which looks for the seeds anew, is `npm run planted`.

import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it, test } from 'vitest';
import { pageWith, readFound, readPage, tableOf } from './found.ts';
import { MUTATIONS } from './mutations.ts';
import { mutatedText } from './plant.ts';
import { inParallel, isStillFound } from './search.ts';

const JOBS = 2;

const found = readFound();

describe('a planted bug', () => {
  it.each(MUTATIONS)('$name changes one place of the code, which can be read then, too', (mutation) => {
    expect(() => stripTypeScriptTypes(mutatedText(mutation))).not.toThrow();
    expect(mutation.replacement).not.toBe(mutation.source);
  });

  it('has a name of its own, and there are as many as were promised', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(24);
    expect(new Set(MUTATIONS.map(({ promise }) => promise)).size).toBe(8);
  });

  it('is told of in docs/planted-bugs.md as it was recorded: else run npm run planted', () => {
    expect(Object.keys(found)).toEqual(MUTATIONS.map(({ name }) => name));
    expect(readPage()).toBe(pageWith(tableOf(found)));
  });
});

test('its recorded seed finds every planted bug: else run npm run planted -- --missed', {
  timeout: 300_000,
}, async () => {
  const finds = await inParallel(MUTATIONS, JOBS, (mutation) => isStillFound(mutation, found[mutation.name]));
  const missed = MUTATIONS.filter((_, index) => !finds[index]).map(({ name }) => name);
  expect(missed, 'find other seeds, and write them down: npm run planted -- --missed').toEqual([]);
});

test('a seed that finds nothing, or something else, is noticed', async () => {
  const [mutation] = MUTATIONS;
  const last = mutation === undefined ? undefined : found[mutation.name];
  if (mutation === undefined || last === undefined) throw new Error('there is no planted bug');
  expect(await isStillFound({ ...mutation, replacement: mutation.source }, last)).toBe(false);
  expect(await isStillFound(mutation, { ...last, invariant: 'P0.0' })).toBe(false);
  expect(await isStillFound(mutation, undefined)).toBe(false);
});
