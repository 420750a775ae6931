// Does the table of invariants tell of every check that there is, and does every one have its stories?

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { INVARIANTS } from './invariants.ts';

/** What no story can tell: that the cluster as a whole comes to no end, or breaks down. */
const WITHOUT_STORIES = ['P8.0', 'D.1', 'D.2', 'D.3', 'D.4'];

const folder = new URL('.', import.meta.url);
const sources = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(new URL(name, folder), 'utf8'),
}));

function idsIn(files: typeof sources): readonly string[] {
  const found = files.flatMap(({ text }) =>
    [...text.matchAll(/'((?:P\d|D)\.\d+)'/g)].map(([, id]) => id ?? ''),
  );
  return [...new Set(found)];
}

const checks = sources.filter(({ name }) => !name.includes('.test.') && name !== 'invariants.ts');
const stories = sources.filter(({ name }) => /^p\d.*\.test\.ts$/.test(name));

test('every check is in the table', () => {
  expect(Object.keys(INVARIANTS)).toEqual(expect.arrayContaining([...idsIn(checks)]));
});

test('every invariant of the table is checked, and has stories', () => {
  const told = Object.keys(INVARIANTS).filter((id) => !WITHOUT_STORIES.includes(id));
  expect(idsIn(checks)).toEqual(expect.arrayContaining(told));
  expect(idsIn(stories)).toEqual(expect.arrayContaining(told));
});
