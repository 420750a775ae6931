// Does a test hold each line of what users rely on, and is the table of them fresh?

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { behavioursPage, evidenceIn, unproven } from './behaviours.ts';
import { listFiles, readFile } from './source-file.ts';

const PAGE = new URL('../../docs/behaviours.md', import.meta.url);

const evidence = evidenceIn(
  listFiles()
    .filter((path) => path !== 'test/structure/behaviours.test.ts')
    .filter((path) => path.endsWith('.test.ts') || /\/transcripts\/[^/]+\.txt$/.test(path))
    .map(readFile),
);

test('lines are found in titles, in first comments and in transcripts, also ranges of them', () => {
  const files = [
    {
      path: 'a.test.ts',
      text: "// B.1 to B.3: data\n\ntest('C.4: each', () => {});\ndescribe.each([1])(\n  'D.1, D.2',\n",
    },
    { path: 'engine/transcripts/x.txt', text: '# F.1: so\nA.1 is no comment\n' },
    { path: 'a.ts', text: "test('A.2')" },
  ];

  expect([...evidenceIn(files).keys()].sort()).toEqual(['B.1', 'B.2', 'B.3', 'C.4', 'D.1', 'D.2', 'F.1']);
});

test('every line of behaviour is held by a test', () => {
  expect(unproven(evidence)).toEqual([]);
});

test('docs/behaviours.md is fresh', () => {
  const page = behavioursPage(evidence);
  if (process.env.UPDATE_BEHAVIOURS === '1') writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, 'utf8')).toBe(page);
});
