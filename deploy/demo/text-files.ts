// Which text files does this repository have?

import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Enough for this repository many times over; a demo should also end. */
const maxFiles = 3_000;
const maxFileBytes = 4 * 1024 * 1024;
const maxDepth = 20;
/** Where there is no git to say what belongs to the repository. */
const skippedFolders = new Set(['.git', 'node_modules', '.cache', 'dist', 'coverage', '.tutti']);
const textEndings = /\.(ts|mjs|js|json|md|proto|yaml|yml|toml|txt|sh|html|css|svg)$/;

/** Paths from `root`, with slashes, sorted; at most 3,000. */
export async function findTextFiles(root: string): Promise<string[]> {
  const paths = (await listByGit(root)) ?? (await listByWalking(root));
  const files: string[] = [];
  for (const path of paths.filter((candidate) => textEndings.test(candidate)).sort()) {
    if (files.length === maxFiles) break;
    const found = await stat(join(root, path)).catch(() => undefined);
    if (found?.isFile() === true && found.size <= maxFileBytes) files.push(path);
  }
  return files;
}

async function listByGit(root: string): Promise<string[] | undefined> {
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], {
      cwd: root,
      maxBuffer: 16 * 1024 * 1024,
    });
    const paths = stdout.split('\0').filter((path) => path !== '');
    return paths.length === 0 ? undefined : paths;
  } catch {
    // No git here, or no repository: a downloaded archive, say.
    return undefined;
  }
}

async function listByWalking(root: string): Promise<string[]> {
  const paths: string[] = [];
  const folders: { path: string; depth: number }[] = [{ path: '', depth: 0 }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(root, folder.path), { withFileTypes: true })) {
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (entry.isFile()) paths.push(path);
      else if (entry.isDirectory() && !skippedFolders.has(entry.name) && folder.depth < maxDepth) {
        folders.push({ path, depth: folder.depth + 1 });
      }
    }
  }
  return paths;
}
