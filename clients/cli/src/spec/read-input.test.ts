import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInput } from './read-input.ts';

describe('reading an input', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tutti-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function file(name: string, content: Uint8Array): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  }

  test('plain and gzipped text read the same, by content and not by name', async () => {
    expect(await readInput(await file('a.gz', Buffer.from('grüß')))).toBe('grüß');
    expect(await readInput(await file('b.json', gzipSync('grüß')))).toBe('grüß');
  });

  test('bad input: nothing is read or unpacked beyond the limit', async () => {
    await expect(readInput(await file('long', Buffer.alloc(101)), 100)).rejects.toThrow(
      'larger than the limit',
    );
    // 100 KB of zeros pack to about 120 bytes.
    const bomb = gzipSync(Buffer.alloc(100_000));
    await expect(readInput(await file('bomb', bomb), 1_000)).rejects.toThrow(
      'unpacks to more than the limit',
    );
  });

  test('bad input: a missing file, broken gzip and what is not UTF-8', async () => {
    await expect(readInput(join(folder, 'missing'))).rejects.toThrow('cannot be read');
    await expect(readInput(await file('broken', Buffer.from([0x1f, 0x8b, 1, 2])))).rejects.toThrow(
      'broken gzip',
    );
    await expect(readInput(await file('latin1', Buffer.from([0xe9, 0x20])))).rejects.toThrow('not UTF-8');
  });
});
