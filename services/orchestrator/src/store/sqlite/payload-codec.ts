// Payloads on their way to and from the store's threads: which values, in which order. The other sides are
// write-payloads.ts and read-payloads.ts.

import type { PayloadProgress, Store } from '../port.ts';
import type { Unpacker } from './packing.ts';
import { unpackAll } from './row-codec.ts';
import type { WorkerClient } from './worker-client.ts';

export type PayloadStore = Pick<
  Store,
  'putPayload' | 'dropUpload' | 'readPayload' | 'findPayloads' | 'renewPayloads' | 'prunePayloads'
>;

export function createPayloadStore(writer: WorkerClient, reader: WorkerClient): PayloadStore {
  return {
    putPayload: async (part) => {
      const output = await writer.request('putPayload', (input) => {
        input.string(part.namespace);
        input.string(part.uploadId);
        input.string(part.sha256);
        input.number(part.sizeBytes);
        input.number(part.offset);
        input.bytes(part.bytes);
        input.number(part.atMs);
      });
      return unpackProgress(output);
    },
    dropUpload: async (namespace, uploadId) => {
      await writer.request('dropUpload', (input) => {
        input.string(namespace);
        input.string(uploadId);
      });
    },
    readPayload: async (namespace, sha256, offset, limitBytes) => {
      const output = await reader.request('readPayload', (input) => {
        input.string(namespace);
        input.string(sha256);
        input.number(offset);
        input.number(limitBytes);
      });
      if (output.number() === 0) return undefined;
      return { sizeBytes: output.number(), bytes: output.bytes() };
    },
    findPayloads: async (namespace, sha256s) => {
      const output = await reader.request('findPayloads', (input) => {
        input.string(namespace);
        input.number(sha256s.length);
        for (const sha256 of sha256s) input.string(sha256);
      });
      const rows = unpackAll(output, (row) => {
        const sha256 = row.string();
        return [sha256, { sizeBytes: row.number(), usedAtMs: row.number() }] as const;
      });
      return new Map(rows);
    },
    renewPayloads: async (namespace, sha256s, atMs) => {
      const output = await writer.request('renewPayloads', (input) => {
        input.string(namespace);
        input.number(atMs);
        input.number(sha256s.length);
        for (const sha256 of sha256s) input.string(sha256);
      });
      return unpackAll(output, (row) => row.string());
    },
    prunePayloads: async (usedBeforeMs, limit) => {
      const output = await writer.request('prunePayloads', (input) => {
        input.number(usedBeforeMs);
        input.number(limit);
      });
      return output.number();
    },
  };
}

/** The first number says which: 0 stored, 1 received, 2 mismatch. */
function unpackProgress(output: Unpacker): PayloadProgress {
  switch (output.number()) {
    case 0:
      return { type: 'STORED' };
    case 1:
      return { type: 'RECEIVED', nextOffset: output.number() };
    default:
      return { type: 'MISMATCH', found: output.string() };
  }
}
