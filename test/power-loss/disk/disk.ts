// What is on a disk, and what only the operating system knows of yet? Calls go in, one after the other.
//
// The model is POSIX at its word, weaker than any file system in use:
//  D1  What a file holds is durable once that file is synced; nothing else makes it so.
//  D2  A name (made, removed, renamed) is durable once the folder it is in is synced; a sync of the file
//      itself does not do.
//  D3  Until then any of the changes may have reached the disk and any other not, in whatever order.
//  D4  A sync that failed promises nothing, and the ones after it say nothing of what it was to write:
//      systems mark those pages as clean.

import { dirname } from 'node:path';
import type { Call } from '../recorder/trace.ts';

export type Change =
  | { readonly type: 'WRITE'; readonly file: File; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: 'TRUNCATE'; readonly file: File; readonly size: number }
  | {
      readonly type: 'NAME';
      readonly folder: Folder;
      readonly name: string;
      readonly node: Node | undefined;
    };

export interface File {
  readonly type: 'FILE';
  /** What every later change is applied to. */
  durable: Buffer;
}

export interface Folder {
  readonly type: 'FOLDER';
  readonly durable: Map<string, Node>;
  /** As processes see it. */
  readonly names: Map<string, Node>;
}

export type Node = File | Folder;

export interface Pending {
  /** Unique on the disk, growing. */
  readonly id: number;
  readonly change: Change;
  /** FORSAKEN: D4. CERTAIN: is on the disk, over a forsaken one that may come to lie below it. */
  state: 'OPEN' | 'FORSAKEN' | 'CERTAIN';
}

export interface Disk {
  readonly root: Folder;
  /** Made and not known to be on the disk, in the order they were made. */
  pending(): readonly Pending[];
  /** Another number, another durable content of the disk. */
  version(): number;
  apply(call: Call): void;
}

export interface DiskOptions {
  /** Absolute. Exists, durably and empty. */
  readonly root: string;
  /** For tests of the tests: what a disk, or a program, does that does not sync. */
  readonly ignoreSyncs: 'NONE' | 'OF_FOLDERS';
}

export function createDisk(options: DiskOptions): Disk {
  const root = newFolder();
  const open = new Map<number, Node>();
  let pending: Pending[] = [];
  let lastId = 0;
  let version = 0;

  function add(change: Change): void {
    pending.push({ id: ++lastId, change, state: 'OPEN' });
  }

  function folderOf(path: string): Folder {
    return find(dirname(path), 'FOLDER');
  }

  function find<Type extends Node['type']>(path: string, type: Type): Node & { type: Type } {
    const parts = path
      .slice(options.root.length)
      .split('/')
      .filter((part) => part !== '');
    let node: Node | undefined = root;
    for (const part of parts) node = node?.type === 'FOLDER' ? node.names.get(part) : undefined;
    if (node?.type !== type) throw new Error(`the trace uses ${path}, and the model knows no such ${type}`);
    return node as Node & { type: Type };
  }

  function name(path: string, node: Node | undefined): void {
    const folder = folderOf(path);
    const own = path.slice(dirname(path).length + 1);
    if (node === undefined) folder.names.delete(own);
    else folder.names.set(own, node);
    add({ type: 'NAME', folder, name: own, node });
  }

  function opened(fd: number): Node {
    const node = open.get(fd);
    if (node === undefined) throw new Error(`the trace uses descriptor ${fd}, which was never opened`);
    return node;
  }

  function openedFile(fd: number): File {
    const node = opened(fd);
    if (node.type !== 'FILE') throw new Error(`the trace writes to descriptor ${fd}, which is a folder`);
    return node;
  }

  function sync(node: Node, failed: boolean): void {
    if (node.type === 'FOLDER' && options.ignoreSyncs === 'OF_FOLDERS') return;
    const own = pending.filter(
      ({ change }) => (change.type === 'NAME' ? change.folder : change.file) === node,
    );
    let covers = false;
    for (const one of own) {
      if (failed && one.state === 'OPEN') one.state = 'FORSAKEN';
      covers ||= one.state === 'FORSAKEN';
      if (one.state === 'FORSAKEN') continue;
      if (covers) one.state = 'CERTAIN';
      else settle(one.change);
    }
    version += 1;
    const settled = new Set(own.filter((one) => one.state === 'OPEN'));
    pending = pending.filter((one) => !settled.has(one));
  }

  return {
    root,
    pending: () => pending,
    version: () => version,
    apply: (call) => {
      switch (call.type) {
        case 'OPEN':
          if (call.created) name(call.path, { type: 'FILE', durable: Buffer.alloc(0) });
          open.set(call.fd, findAny(call.path));
          if (call.truncated && !call.created) add({ type: 'TRUNCATE', file: openedFile(call.fd), size: 0 });
          return;
        case 'CLOSE':
          open.delete(call.fd);
          return;
        case 'WRITE':
          add({ type: 'WRITE', file: openedFile(call.fd), offset: call.offset, bytes: call.bytes });
          return;
        case 'TRUNCATE':
          add({ type: 'TRUNCATE', file: openedFile(call.fd), size: call.size });
          return;
        case 'SYNC':
          return sync(opened(call.fd), call.failed);
        case 'UNLINK':
          return name(call.path, undefined);
        case 'RENAME': {
          const node = findAny(call.path);
          name(call.to, node);
          return name(call.path, undefined);
        }
        case 'MKDIR':
          return name(call.path, newFolder());
        case 'NOTE':
        case 'REFUSED':
      }
    },
  };

  function findAny(path: string): Node {
    if (path === options.root) return root;
    const own = path.slice(dirname(path).length + 1);
    const node = folderOf(path).names.get(own);
    if (node === undefined) throw new Error(`the trace opens ${path}, which nobody has made`);
    return node;
  }
}

function newFolder(): Folder {
  return { type: 'FOLDER', durable: new Map(), names: new Map() };
}

function settle(change: Change): void {
  switch (change.type) {
    case 'WRITE':
    case 'TRUNCATE':
      change.file.durable = changed(change.file.durable, change);
      return;
    case 'NAME':
      if (change.node === undefined) change.folder.durable.delete(change.name);
      else change.folder.durable.set(change.name, change.node);
  }
}

/** May change `content` itself. */
export function changed(content: Buffer, change: Exclude<Change, { type: 'NAME' }>): Buffer {
  switch (change.type) {
    case 'WRITE': {
      const grown = resized(content, Math.max(content.length, change.offset + change.bytes.length));
      change.bytes.copy(grown, change.offset);
      return grown;
    }
    case 'TRUNCATE':
      return resized(content, change.size);
  }
}

function resized(content: Buffer, size: number): Buffer {
  if (size <= content.length) return content.subarray(0, size);
  const grown = Buffer.alloc(size);
  content.copy(grown);
  return grown;
}
