// May a task touch this file? Only below the folder that the configuration names.
//
// A path from a task's input is refused when it leads out of the folder, by `..` or through a symbolic
// link. Links are resolved first; the file opened is then compared with the file that was checked, so
// that a link put there in between is noticed.

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FinalError } from '@tutti/client/executor';

export interface ConfinedFolder {
  /** Opens a regular file for reading; the caller closes it. */
  openFile(path: string): Promise<FileHandle>;
  /** Writes a whole file, or nothing of it; folders on the way are made. Resolves to its full path. */
  writeFile(path: string, content: string): Promise<string>;
}

/** `root` need not exist before its first use. Paths in tasks are relative to it, or absolute within it. */
export function createConfinedFolder(root: string): ConfinedFolder {
  async function realRoot(): Promise<string> {
    try {
      return await realpath(root);
    } catch {
      throw new FinalError('FOLDER_MISSING', `the executor's folder for files does not exist: ${root}`);
    }
  }

  return {
    async openFile(path) {
      refuseNul(path);
      const base = await realRoot();
      const wanted = await realFile(inside(base, resolve(base, path), path), path);
      const target = inside(base, wanted, path);
      // Not blocking: a named pipe must not hold up the thread that opens it.
      const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        // Resolved once: a second time might lead elsewhere than what was compared.
        const checkedPath = inside(base, await realpath(target), path);
        const [opened, checked] = [await file.stat(), await lstat(checkedPath)];
        if (!opened.isFile()) throw new FinalError('NOT_A_FILE', `${path} is not a regular file`);
        if (opened.ino !== checked.ino || opened.dev !== checked.dev) throw notAllowed(path);
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    },

    async writeFile(path, content) {
      refuseNul(path);
      await mkdir(root, { recursive: true });
      const base = await realRoot();
      const target = inside(base, resolve(base, path), path);
      if (target === base) throw new FinalError('NOT_A_FILE', `${path} names the folder itself`);
      const folder = dirname(target);
      inside(base, await nearestExisting(folder), path);
      await mkdir(folder, { recursive: true });
      const realFolder = inside(base, await realpath(folder), path);
      // A new name, then a rename: never through a link that has the target's name, never half a file.
      const temporary = join(realFolder, `.${randomUUID()}.part`);
      const destination = join(realFolder, target.slice(folder.length + 1));
      try {
        const file = await open(temporary, 'wx');
        await file.writeFile(content).finally(() => file.close());
        await rename(temporary, destination);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      return destination;
    },
  };
}

/** The operating system has no such names. */
function refuseNul(path: string): void {
  if (path.includes('\0')) throw new FinalError('INVALID_INPUT', 'path: a NUL is in no name of a file');
}

function notAllowed(path: string): FinalError {
  return new FinalError('PATH_NOT_ALLOWED', `${path} leads out of the folder that this executor may use`);
}

/** The candidate if it is the base or below it. */
function inside(base: string, candidate: string, path: string): string {
  const way = relative(base, candidate);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) throw notAllowed(path);
  return candidate;
}

async function realFile(candidate: string, path: string): Promise<string> {
  try {
    return await realpath(candidate);
  } catch (cause) {
    throw new FinalError('FILE_NOT_FOUND', `there is no file ${path}`, { cause });
  }
}

/** The folder itself or its nearest ancestor that exists, with links resolved. */
async function nearestExisting(folder: string): Promise<string> {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    try {
      return await realpath(candidate);
    } catch (error) {
      if (candidate === dirname(candidate)) throw error;
    }
  }
}
