// Every planted bug still is in the code that it was written for, and the simulation still finds it. The long form,
// which looks for the seeds anew, is `npm run planted`.

import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it, test } from 'vitest';
import { pageWith, readFound, readPage, tableOf } from './found.ts';
import type { Mutation } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';
import { mutatedText } from './plant.ts';
import { inParallel, searchFor } from './search.ts';

/** Where the recorded seed leads to another simulation by now, others may still find it. */
const SEEDS_MORE = 300;
/** What took longer to be found than this may take longer than those, and is only told of. */
const RARE_SEED = 100;
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

async function isFound(mutation: Mutation): Promise<boolean> {
  const searching = searchFor(mutation);
  try {
    const seed = found[mutation.name]?.seed ?? 1;
    const first = await searching.find({ from: seed, count: 1 });
    return (first ?? (await searching.find({ from: seed + 1, count: SEEDS_MORE }))) !== undefined;
  } finally {
    await searching.end();
  }
}

test('the simulation finds every planted bug: else run npm run planted', { timeout: 300_000 }, async () => {
  const finds = await inParallel(MUTATIONS, JOBS, isFound);
  const missed = MUTATIONS.filter((_, index) => !finds[index]).map(({ name }) => name);
  const isRare = (name: string) => (found[name]?.seed ?? 0) > RARE_SEED;
  const rare = missed.filter(isRare);
  if (rare.length > 0) console.warn(`other seeds find these by now: npm run planted: ${rare.join(', ')}`);
  expect(missed.filter((name) => !isRare(name))).toEqual([]);
});
