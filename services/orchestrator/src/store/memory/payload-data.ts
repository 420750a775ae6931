// The payloads of one namespace of the store in memory, and what refers to them.

import type { PayloadPart, PayloadProgress, PayloadRow, PayloadSlice } from '../port.ts';
import { createUploads } from '../uploads.ts';

export interface PayloadData {
  put(part: PayloadPart): PayloadProgress;
  dropUpload(namespace: string, uploadId: string): void;
  /** What a process that ends takes along. */
  dropUploads(): void;
  read(sha256: string, offset: number, limitBytes: number): PayloadSlice | undefined;
  find(sha256s: readonly string[]): ReadonlyMap<string, PayloadRow>;
  renew(sha256s: readonly string[], atMs: number): readonly string[];
  /** @param holder a run or a version of a workflow */
  refer(holder: string, sha256: string): void;
  release(holder: string): void;
  usedBefore(atMs: number): readonly { readonly usedAtMs: number; remove(): void }[];
}

interface Stored {
  readonly bytes: Uint8Array;
  usedAtMs: number;
}

export function createPayloadData(): PayloadData {
  const stored = new Map<string, Stored>();
  const held = new Map<string, Set<string>>();
  let uploads = newUploads();

  function renewOne(sha256: string, atMs: number): boolean {
    const payload = stored.get(sha256);
    if (payload === undefined) return false;
    payload.usedAtMs = Math.max(payload.usedAtMs, atMs);
    return true;
  }

  function newUploads() {
    return createUploads<Uint8Array>({
      renew: (_namespace, sha256, atMs) => renewOne(sha256, atMs),
      begin: ({ sizeBytes }) => new Uint8Array(sizeBytes),
      append: (place, offset, bytes) => place.set(bytes, offset),
      keep: (bytes, { sha256, atMs }) => void stored.set(sha256, { bytes, usedAtMs: atMs }),
      drop() {},
    });
  }

  const isHeld = (sha256: string) => [...held.values()].some((some) => some.has(sha256));

  return {
    put: (part) => uploads.put(part),
    dropUpload: (namespace, uploadId) => uploads.drop(namespace, uploadId),
    dropUploads() {
      uploads = newUploads();
    },
    read(sha256, offset, limitBytes) {
      const payload = stored.get(sha256);
      if (payload === undefined) return undefined;
      const { bytes } = payload;
      return { bytes: bytes.slice(offset, offset + limitBytes), sizeBytes: bytes.length };
    },
    find(sha256s) {
      const found = new Map<string, PayloadRow>();
      for (const sha256 of sha256s) {
        const payload = stored.get(sha256);
        if (payload === undefined) continue;
        found.set(sha256, { sizeBytes: payload.bytes.length, usedAtMs: payload.usedAtMs });
      }
      return found;
    },
    renew: (sha256s, atMs) => sha256s.filter((sha256) => renewOne(sha256, atMs)),
    refer(holder, sha256) {
      if (!stored.has(sha256)) return;
      const some = held.get(holder) ?? new Set();
      held.set(holder, some.add(sha256));
    },
    release: (holder) => void held.delete(holder),
    usedBefore: (atMs) =>
      [...stored]
        .filter(([sha256, { usedAtMs }]) => usedAtMs < atMs && !isHeld(sha256))
        .map(([sha256, { usedAtMs }]) => ({ usedAtMs, remove: () => void stored.delete(sha256) })),
  };
}
