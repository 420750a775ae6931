// Does every link of the documentation lead somewhere, and is every page linked?

import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { listFiles } from './source-file.ts';

const root = new URL('../../', import.meta.url);
const pages = listFiles().filter((path) => path.endsWith('.md'));

const links = pages.flatMap((page) => {
  const text = readFileSync(new URL(page, root), 'utf8').replaceAll(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => ({ page, path: posix.normalize(posix.join(posix.dirname(page), target)) }));
});

test('every link leads somewhere', () => {
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(({ path }) => !existsSync(new URL(path, root)))).toEqual([]);
});

test('every page of docs is linked from the index', () => {
  const linked = new Set(links.filter(({ page }) => page === 'docs/README.md').map(({ path }) => path));
  const unlinked = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');

  expect(unlinked.filter((page) => !linked.has(page))).toEqual([]);
});
