// The three capabilities of the demo, as its graph uses them: count files, merge, draw.

import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createConfinedFolder } from '../files/confined-folder.ts';
import { completed, createTestContext } from '../testing/attempt-context.ts';
import { createChartSvg } from './chart-svg.ts';
import { textMerge } from './text-merge.ts';
import { createTextStats } from './text-stats.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tutti-text-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('text.stats', () => {
  test('counts a text, and a file of many pieces', async () => {
    const stats = createTextStats(createConfinedFolder(root));
    expect(await stats({ text: 'one two\n' }, createTestContext())).toMatchObject({
      lines: 1,
      words: 2,
      bytes: 8,
    });
    const line = 'é'.repeat(99);
    await writeFile(join(root, 'big.txt'), `${line}\n`.repeat(5000));
    expect(await stats({ path: 'big.txt' }, createTestContext())).toMatchObject({
      files: 1,
      lines: 5000,
      words: 5000,
      bytes: 995_000,
      longestLine: { path: 'big.txt', line: 1, characters: 99 },
    });
  });

  test('refuses a file that is too large, before it is read', async () => {
    const stats = createTextStats(createConfinedFolder(root));
    await writeFile(join(root, 'huge.txt'), '');
    await truncate(join(root, 'huge.txt'), 64 * 1024 * 1024 + 1);
    await expect(stats({ path: 'huge.txt' }, createTestContext())).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });

  test('refuses what is no text, and paths where no folder is allowed', async () => {
    const stats = createTextStats(createConfinedFolder(root));
    await writeFile(join(root, 'image.png'), new Uint8Array([0x89, 0x50, 0x4e, 0x47]));
    await writeFile(join(root, 'zero.bin'), 'a\0b');
    await writeFile(join(root, 'cut.txt'), new Uint8Array([0x61, 0xc3]));
    for (const path of ['image.png', 'zero.bin', 'cut.txt']) {
      await expect(stats({ path }, createTestContext()), path).rejects.toMatchObject({ code: 'NOT_A_TEXT' });
    }
    const textsOnly = createTextStats(undefined);
    expect(await textsOnly({ text: 'a' }, createTestContext())).toMatchObject({ words: 1 });
    await expect(textsOnly({ path: 'a' }, createTestContext())).rejects.toMatchObject({
      name: 'FinalError',
      code: 'PATH_NOT_ALLOWED',
    });
  });

  test.each([undefined, {}, { text: 'a', path: 'b' }, { path: '' }, { path: 1 }])(
    'refuses %j',
    async (input) => {
      const attempt = Promise.resolve(createTextStats(undefined)(input, createTestContext()));
      await expect(attempt).rejects.toMatchObject({ code: 'INVALID_INPUT', message: /"text" or "path"/ });
    },
  );
});

describe('text.merge and chart.svg', () => {
  async function dependencies() {
    const stats = createTextStats(undefined);
    return new Map([
      ['a', completed(await stats({ text: 'x\ny\n' }, createTestContext()))],
      ['b', completed(await stats({ text: 'x\n' }, createTestContext()))],
      ['c', { state: 'FAILED' as const, result: undefined, error: undefined }],
    ]);
  }

  test('a merge takes what completed', async () => {
    const context = createTestContext({ dependencies: await dependencies() });
    expect(await textMerge(undefined, context)).toMatchObject({ files: 2, lines: 3, words: 3 });
  });

  test('a merge of something else fails and names the dependency', () => {
    const context = createTestContext({ dependencies: new Map([['odd', completed({ files: 'many' })]]) });
    expect(() => textMerge(undefined, context)).toThrow(/odd\.files/);
  });

  test('a chart of the results, written to a file', async () => {
    const chart = createChartSvg(createConfinedFolder(root));
    const context = createTestContext({ dependencies: await dependencies() });
    const input = { title: 'Lines', field: 'lines', labels: { a: 'docs/' }, path: 'out/lines.svg' };
    const result = await chart(input, context);
    expect(result).toEqual({
      bars: [
        { label: 'docs/', value: 2 },
        { label: 'b', value: 1 },
      ],
      path: expect.stringMatching(/lines\.svg$/),
    });
    const svg = await readFile(join(root, 'out', 'lines.svg'), 'utf8');
    expect(svg).toContain('docs/');
    expect(svg).toContain('</svg>');
  });

  test('the largest bars only, and the drawing itself without a path', async () => {
    const bars = [3, 1, 2].map((value) => ({ label: `n${value}`, value }));
    const result = await createChartSvg(undefined)({ title: 'T', bars, top: 2 }, createTestContext());
    expect(result).toMatchObject({ bars: [bars[0], bars[2]], svg: expect.stringContaining('n3') });
  });

  test('refuses wrong input and, without a folder, paths', async () => {
    const chart = createChartSvg(undefined);
    const bars = [{ label: 'a', value: 1 }];
    await expect(chart({ title: 'T', bars, path: 'a.svg' }, createTestContext())).rejects.toMatchObject({
      code: 'PATH_NOT_ALLOWED',
    });
    for (const input of [
      { bars },
      { title: 'T', bars, path: 'a.html' },
      { title: 'T', bars: [{ label: 'a', value: -1 }] },
    ]) {
      await expect(chart(input, createTestContext())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});
