import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from '@tutti/client/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItems, parseItemsOf } from './items.ts';
import { parseRunSpec } from './spec-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tutti-items-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function itemsFrom(name: string, text: string, header = true): Promise<unknown[]> {
  const file = join(folder, name);
  await writeFile(file, text);
  const spec = parseRunSpec('tasks: [{ key: each, capability: echo }]', 'run.yaml');
  await addItems(spec, [parseItemsOf(`each=${file}`)], { header });
  return (spec.tasks[0]?.foreach?.items ?? []).map(json);
}

test('C.4: rows of a CSV, with and without a header', async () => {
  expect(await itemsFrom('a.csv', 'n,m\n1,2\n')).toEqual([{ n: '1', m: '2' }]);
  expect(await itemsFrom('a.csv', '1,2\n', false)).toEqual([['1', '2']]);
  expect(await itemsFrom('a.tsv', 'n\tm\n1\t2\n')).toEqual([{ n: '1', m: '2' }]);
});

test('C.4: a list, and lines of a text', async () => {
  expect(await itemsFrom('a.json', '[1, {"b": 2}]')).toEqual([1, { b: 2 }]);
  expect(await itemsFrom('a.yaml', '- x\n- y\n')).toEqual(['x', 'y']);
  expect(await itemsFrom('a.txt', 'one\ntwo\n')).toEqual(['one', 'two']);
});

test('what cannot be is refused, with the reason', async () => {
  await expect(itemsFrom('a.json', '{}')).rejects.toThrow('not a list');
  await expect(itemsFrom('a.csv', 'n,m\n1\n')).rejects.toThrow('a.csv');
  const spec = parseRunSpec('tasks: [{ key: each, capability: echo }]', 'run.yaml');
  await expect(addItems(spec, [{ taskKey: 'b', file: 'x' }], { header: true })).rejects.toThrow(
    'no task "b"',
  );
  expect(() => parseItemsOf('each')).toThrow('each=rows.csv');
});
