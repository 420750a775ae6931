// How do parts become a payload, and when is it stored? The same for every adapter; where the bytes go is
// the adapter's.

import { createHash, type Hash } from 'node:crypto';
import type { PayloadPart, PayloadProgress } from './port.ts';

/** Where an adapter keeps bytes. `Place` is what it knows an unfinished payload by. */
export interface PayloadSink<Place> {
  /** Whether it is stored; if so, it counts as used at `atMs` from now on. */
  renew(namespace: string, sha256: string, atMs: number): boolean;
  begin(part: PayloadPart): Place;
  append(place: Place, offset: number, bytes: Uint8Array): void;
  /** Durable, and to be found, once it returns. */
  keep(place: Place, part: PayloadPart): void;
  drop(place: Place): void;
}

export interface Uploads {
  put(part: PayloadPart): PayloadProgress;
  drop(namespace: string, uploadId: string): void;
}

interface Upload<Place> {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly place: Place;
  readonly hash: Hash;
  receivedBytes: number;
}

const STORED: PayloadProgress = Object.freeze({ type: 'STORED' });

/** The caller bounds how many there are at once. */
export function createUploads<Place>(sink: PayloadSink<Place>): Uploads {
  const uploads = new Map<string, Upload<Place>>();
  // No namespace has a slash.
  const keyOf = (namespace: string, uploadId: string) => `${namespace}/${uploadId}`;

  function drop(key: string): void {
    const upload = uploads.get(key);
    if (upload === undefined) return;
    uploads.delete(key);
    sink.drop(upload.place);
  }

  function current(key: string, part: PayloadPart): Upload<Place> | undefined {
    const upload = uploads.get(key);
    if (upload === undefined) return undefined;
    if (upload.sha256 === part.sha256 && upload.sizeBytes === part.sizeBytes) return upload;
    drop(key);
    return undefined;
  }

  function begin(key: string, part: PayloadPart): Upload<Place> {
    const { sha256, sizeBytes } = part;
    const upload = {
      sha256,
      sizeBytes,
      place: sink.begin(part),
      hash: createHash('sha256'),
      receivedBytes: 0,
    };
    uploads.set(key, upload);
    return upload;
  }

  function take(key: string, upload: Upload<Place>, part: PayloadPart): PayloadProgress {
    sink.append(upload.place, part.offset, part.bytes);
    upload.hash.update(part.bytes);
    upload.receivedBytes += part.bytes.length;
    if (upload.receivedBytes < upload.sizeBytes)
      return { type: 'RECEIVED', nextOffset: upload.receivedBytes };
    const found = upload.hash.digest('hex');
    if (found !== upload.sha256) {
      drop(key);
      return { type: 'MISMATCH', found };
    }
    sink.keep(upload.place, part);
    uploads.delete(key);
    return STORED;
  }

  return {
    put(part) {
      const key = keyOf(part.namespace, part.uploadId);
      const known = current(key, part);
      if (sink.renew(part.namespace, part.sha256, part.atMs)) {
        drop(key); // Somebody else was faster.
        return STORED;
      }
      const nextOffset = known?.receivedBytes ?? 0;
      if (part.bytes.length === 0 || part.offset !== nextOffset) return { type: 'RECEIVED', nextOffset };
      if (part.offset + part.bytes.length > part.sizeBytes) {
        throw new RangeError(`a part ends at ${part.offset + part.bytes.length} of ${part.sizeBytes} bytes`);
      }
      try {
        return take(key, known ?? begin(key, part), part);
      } catch (error) {
        // What is half written cannot be gone on with.
        drop(key);
        throw error;
      }
    },
    drop: (namespace, uploadId) => drop(keyOf(namespace, uploadId)),
  };
}
