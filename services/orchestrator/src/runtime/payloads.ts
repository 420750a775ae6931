// How do payloads that are stored apart come in and go out, and is what a call refers to there? (B.4)
//
//  P1  Of a content only single parts are in memory, and of those a bounded number at once.
//  P2  Uploads under way are bounded in number and in bytes. One that nothing came for in a while makes
//      room for others.
//  P3  What a call refers to is looked up before the engine sees the call. What is found counts as used
//      from then on, unless it did so lately: so pruning leaves it until the reference is committed.

import { accept, type Refusal, type Rejection, type Result, reject } from '../domain/rejection.ts';
import { type PayloadPart, type PayloadSlice, type Store, StoreError } from '../store/port.ts';
import { createBatchedLookup } from './batched-lookup.ts';
import { createGate } from './gate.ts';
import { storeIsFull } from './namespaces.ts';
import type { PlacedRef } from './payload-references.ts';
import type { Clock } from './ports.ts';

/** Of one part, in and out: a NATS message has 1 MiB at most. */
export const MAX_PART_BYTES = 524_288;

export interface PayloadLimits {
  /** Of one content. */
  readonly maxStoredPayloadBytes: number;
  /** How long what nothing refers to is kept after it was used. */
  readonly payloadGraceMs: number;
  readonly maxUploads: number;
  /** Of all uploads under way, as large as they are to become. */
  readonly maxUploadBytes: number;
}

export const DEFAULT_PAYLOAD_LIMITS: PayloadLimits = {
  maxStoredPayloadBytes: 67_108_864,
  payloadGraceMs: 24 * 3_600_000,
  maxUploads: 64,
  maxUploadBytes: 536_870_912,
};

const IDLE_UPLOAD_MS = 60_000;
const MAX_PARTS_AT_ONCE = 16;
const MAX_PARTS_WAITING = 112;

export interface Payloads {
  put(part: Omit<PayloadPart, 'atMs'>): Promise<Result<PutProgress>>;
  /** @param limitBytes 0 for as much as there may be */
  get(namespace: string, sha256: string, offset: number, limitBytes: number): Promise<Result<PayloadSlice>>;
}

export interface PutProgress {
  readonly stored: boolean;
  readonly nextOffset: number;
}

export interface CheckedPayloads extends Payloads {
  /** P3. Undefined where all are stored. Throws StoreError where that cannot be found out. */
  check(namespace: string, references: readonly PlacedRef[]): Promise<Rejection | undefined>;
}

export interface PayloadsDependencies {
  readonly store: Pick<Store, 'putPayload' | 'dropUpload' | 'readPayload' | 'findPayloads' | 'renewPayloads'>;
  readonly clock: Clock;
  readonly limits: PayloadLimits;
  readonly serving: () => boolean;
  readonly warn: (message: string, error: unknown) => void;
}

export function createPayloads(dependencies: PayloadsDependencies): CheckedPayloads {
  const { store, clock, limits } = dependencies;
  const gate = createGate(MAX_PARTS_AT_ONCE, MAX_PARTS_WAITING);
  const uploads = createUploadBounds(dependencies);
  const find = createBatchedLookup(clock, (namespace, sha256s) => store.findPayloads(namespace, sha256s));

  /** P1. */
  async function inTurn<R>(work: () => Promise<Result<R>>): Promise<Result<R>> {
    if (!dependencies.serving()) return notServing('the orchestrator is starting or stopping');
    try {
      return (await gate.pass(work)) ?? tooManyParts();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'FULL') return storeIsFull();
      dependencies.warn('a payload could not be put or told', error);
      return notServing('the store did not answer');
    }
  }

  async function put(part: Omit<PayloadPart, 'atMs'>): Promise<Result<PutProgress>> {
    const { namespace, uploadId, sha256, sizeBytes } = part;
    const refused = refusePart(part, limits) ?? (await uploads.admit(part));
    if (refused !== undefined) return refused;
    const progress = await store.putPayload({ ...part, atMs: clock.nowMs() });
    if (progress.type === 'RECEIVED') return accept({ stored: false, nextOffset: progress.nextOffset });
    uploads.over(namespace, uploadId);
    return progress.type === 'STORED'
      ? accept({ stored: true, nextOffset: sizeBytes })
      : mismatch(sha256, progress.found);
  }

  async function get(
    namespace: string,
    sha256: string,
    offset: number,
    limitBytes: number,
  ): Promise<Result<PayloadSlice>> {
    const most = limitBytes === 0 ? MAX_PART_BYTES : Math.min(limitBytes, MAX_PART_BYTES);
    const slice = await store.readPayload(namespace, sha256, offset, most);
    if (slice !== undefined) return accept(slice);
    return payloadNotFound(namespace, { field: 'sha256', ref: { sha256, sizeBytes: 0 } });
  }

  async function check(namespace: string, references: readonly PlacedRef[]): Promise<Rejection | undefined> {
    const usedSinceMs = clock.nowMs() - limits.payloadGraceMs / 2;
    const old = new Map<string, PlacedRef>();
    const rows = await Promise.all(references.map(({ ref }) => find(namespace, ref.sha256)));
    for (const [index, row] of rows.entries()) {
      const reference = references[index] as PlacedRef;
      if (row === undefined) return payloadNotFound(namespace, reference).rejection;
      if (row.sizeBytes !== reference.ref.sizeBytes) return wrongSize(reference, row.sizeBytes).rejection;
      if (row.usedAtMs < usedSinceMs) old.set(reference.ref.sha256, reference);
    }
    if (old.size === 0) return undefined;
    const renewed = new Set(await store.renewPayloads(namespace, [...old.keys()], clock.nowMs()));
    for (const [sha256, reference] of old) {
      if (!renewed.has(sha256)) return payloadNotFound(namespace, reference).rejection;
    }
    return undefined;
  }

  return {
    put: (part) => inTurn(() => put(part)),
    get: (namespace, sha256, offset, limitBytes) => inTurn(() => get(namespace, sha256, offset, limitBytes)),
    check,
  };
}

/** P2. */
function createUploadBounds({ store, clock, limits }: PayloadsDependencies) {
  interface Upload {
    readonly namespace: string;
    readonly uploadId: string;
    sizeBytes: number;
    heardAtMs: number;
  }
  const uploads = new Map<string, Upload>();
  const keyOf = (namespace: string, uploadId: string) => `${namespace}/${uploadId}`;

  /** With one more of that size. */
  function isTooMuch(key: string, sizeBytes: number): boolean {
    let bytes = sizeBytes;
    let count = 1;
    for (const [other, upload] of uploads) {
      if (other === key) continue;
      bytes += upload.sizeBytes;
      count += 1;
    }
    return count > limits.maxUploads || bytes > limits.maxUploadBytes;
  }

  async function dropIdle(): Promise<void> {
    for (const [key, { namespace, uploadId, heardAtMs }] of [...uploads]) {
      if (clock.nowMs() - heardAtMs < IDLE_UPLOAD_MS) continue;
      uploads.delete(key);
      await store.dropUpload(namespace, uploadId);
    }
  }

  return {
    async admit(part: Omit<PayloadPart, 'atMs'>): Promise<Refusal | undefined> {
      const { namespace, uploadId, sizeBytes } = part;
      if (part.bytes.length === 0) return undefined;
      const key = keyOf(namespace, uploadId);
      if (isTooMuch(key, sizeBytes)) {
        await dropIdle();
        if (isTooMuch(key, sizeBytes)) return tooManyUploads(limits);
      }
      uploads.set(key, { namespace, uploadId, sizeBytes, heardAtMs: clock.nowMs() });
      return undefined;
    },
    over(namespace: string, uploadId: string): void {
      uploads.delete(keyOf(namespace, uploadId));
    },
  };
}

function refusePart(part: Omit<PayloadPart, 'atMs'>, limits: PayloadLimits): Refusal | undefined {
  const { sizeBytes, offset, bytes } = part;
  const limitBytes = limits.maxStoredPayloadBytes;
  if (sizeBytes > limitBytes) {
    const message = `size_bytes is ${sizeBytes}; a payload that is stored apart may have ${limitBytes}: split it, or keep it elsewhere and pass where it is`;
    const metadata = { size_bytes: String(sizeBytes), limit_bytes: String(limitBytes) };
    return reject('PAYLOAD_TOO_LARGE', message, metadata, 'size_bytes');
  }
  const end = offset + bytes.length;
  if (end <= sizeBytes) return undefined;
  const message = `bytes end at ${end}, and size_bytes is ${sizeBytes}: no part may go beyond the end of the content`;
  return reject('INVALID_FIELD', message, { field: 'bytes' }, 'bytes');
}

function mismatch(sha256: string, found: string): Refusal {
  const message = `the content has the SHA-256 ${found}, and ${sha256} was said: compare what was read with what was sent, and put it again from offset 0`;
  return reject('PAYLOAD_MISMATCH', message, { sha256, found }, 'sha256');
}

function payloadNotFound(namespace: string, { field, ref }: PlacedRef): Refusal {
  const { sha256, sizeBytes } = ref;
  const message = `${field}: nothing is stored in namespace ${namespace} under the SHA-256 ${sha256}: put it with PayloadService.PutPayload (executors: payloads.put), and refer to it then`;
  return reject(
    'PAYLOAD_NOT_FOUND',
    message,
    { namespace, field, sha256, size_bytes: String(sizeBytes) },
    field,
  );
}

function wrongSize({ field, ref }: PlacedRef, sizeBytes: number): Refusal {
  const path = `${field}.ref.size_bytes`;
  const message = `${path} is ${ref.sizeBytes}, and what is stored under ${ref.sha256} has ${sizeBytes} bytes: say that`;
  return reject('INVALID_FIELD', message, { field: path }, path);
}

function tooManyUploads({ maxUploads, maxUploadBytes }: PayloadLimits): Refusal {
  const message = `${maxUploads} uploads or ${maxUploadBytes} bytes are under way: try again in a moment`;
  return reject('LIMIT_REACHED', message, { resource: 'payload_uploads', limit: String(maxUploads) });
}

function tooManyParts(): Refusal {
  const most = MAX_PARTS_AT_ONCE + MAX_PARTS_WAITING;
  const message = `${most} parts of payloads are being put and told: try again in a moment`;
  return reject('LIMIT_REACHED', message, { resource: 'payload_parts', limit: String(most) });
}

function notServing(what: string): Refusal {
  return reject('NOT_SERVING', `${what}: try again in a moment`);
}
