import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createConfinedFolder } from './confined-folder.ts';

let outside: string;
let root: string;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'tutti-confined-'));
  root = join(outside, 'root');
  await mkdir(join(root, 'sub'), { recursive: true });
  await writeFile(join(outside, 'secret.txt'), 'secret');
  await writeFile(join(root, 'sub', 'a.txt'), 'a');
  await mkdir(join(outside, 'root-twin'));
  await writeFile(join(outside, 'root-twin', 'b.txt'), 'b');
});

afterEach(async () => {
  await rm(outside, { recursive: true, force: true });
});

async function read(path: string): Promise<string> {
  const file = await createConfinedFolder(root).openFile(path);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

test('reads below the folder, by relative and absolute paths and through links that stay inside', async () => {
  await symlink(join(root, 'sub'), join(root, 'link'));
  expect(await read('sub/a.txt')).toBe('a');
  expect(await read('sub/../sub/a.txt')).toBe('a');
  expect(await read(join(root, 'sub', 'a.txt'))).toBe('a');
  expect(await read('link/a.txt')).toBe('a');
});

test('reads nothing else', async () => {
  await symlink(join(outside, 'secret.txt'), join(root, 'link.txt'));
  await symlink(outside, join(root, 'folder-link'));
  const refused = [
    '../secret.txt',
    'sub/../../secret.txt',
    join(outside, 'secret.txt'),
    '../root-twin/b.txt',
    'link.txt',
    'folder-link/secret.txt',
    '/etc/passwd',
  ];
  for (const path of refused) {
    await expect(read(path), path).rejects.toMatchObject({ name: 'FinalError', code: 'PATH_NOT_ALLOWED' });
  }
});

test('what is missing or no regular file is said', async () => {
  await expect(read('sub/none.txt')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(read('sub')).rejects.toMatchObject({ code: 'NOT_A_FILE' });
  const nowhere = createConfinedFolder(join(outside, 'none'));
  await expect(nowhere.openFile('a')).rejects.toMatchObject({ code: 'FOLDER_MISSING' });
});

test('writes whole files and makes the folders for them', async () => {
  const folder = createConfinedFolder(root);
  const path = await folder.writeFile('new/deep/c.svg', 'one');
  expect(await readFile(path, 'utf8')).toBe('one');
  await folder.writeFile('new/deep/c.svg', 'two');
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(join(root, 'new', 'deep'))).toEqual(['c.svg']);
});

test('writes nowhere else, and through no link', async () => {
  const folder = createConfinedFolder(root);
  await symlink(outside, join(root, 'folder-link'));
  await symlink(join(outside, 'secret.txt'), join(root, 'link.txt'));
  for (const path of [
    '../new.txt',
    join(outside, 'new.txt'),
    'folder-link/new.txt',
    'folder-link/x/new.txt',
  ]) {
    await expect(folder.writeFile(path, 'x'), path).rejects.toMatchObject({ code: 'PATH_NOT_ALLOWED' });
  }
  await folder.writeFile('link.txt', 'mine');
  expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
  expect(await readFile(join(root, 'link.txt'), 'utf8')).toBe('mine');
  expect((await readdir(outside)).sort()).toEqual(['root', 'root-twin', 'secret.txt']);
});

test('a NUL in a path is a mistake of the input, in both directions', async () => {
  const refusal = { name: 'FinalError', code: 'INVALID_INPUT' };
  await expect(read('sub/a.txt\0')).rejects.toMatchObject(refusal);
  await expect(createConfinedFolder(root).writeFile('a\0b.svg', 'x')).rejects.toMatchObject(refusal);
});
