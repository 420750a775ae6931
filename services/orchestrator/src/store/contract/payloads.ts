// Payloads that are stored apart: put in parts, under their hash, read again, and pruned once unused.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { StoreUnderTest } from '../contract.ts';
import type { PayloadPart, PayloadProgress } from '../port.ts';
import { batch, bytes, NAMESPACE, SUBMITTED_AT_MS, submission } from './batches.ts';

const CONTENT = bytes('a payload of some length, in parts');
const MIDDLE = 10;
const STORED: PayloadProgress = { type: 'STORED' };
const OTHER = 'other-orchestra';

function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function part(from: number, to: number, more: Partial<PayloadPart> = {}): PayloadPart {
  return {
    namespace: NAMESPACE,
    uploadId: 'upload',
    sha256: sha256Of(CONTENT),
    sizeBytes: CONTENT.length,
    offset: from,
    bytes: CONTENT.slice(from, to),
    atMs: SUBMITTED_AT_MS,
    ...more,
  };
}

const WHOLE = part(0, CONTENT.length);
const HASH = WHOLE.sha256;

export function describePayloads(test: StoreUnderTest): void {
  const put = (...parts: PayloadPart[]) =>
    parts.reduce<Promise<PayloadProgress | undefined>>(
      (before, each) => before.then(() => test.store().putPayload(each)),
      Promise.resolve(undefined),
    );
  const read = (offset: number, limitBytes: number, namespace = NAMESPACE) =>
    test.store().readPayload(namespace, HASH, offset, limitBytes);
  const found = async (namespace = NAMESPACE) =>
    (await test.store().findPayloads(namespace, [HASH])).get(HASH);
  const prune = (usedBeforeMs: number, limit = 10) => test.store().prunePayloads(usedBeforeMs, limit);

  describe('payloads (S8, S9)', () => {
    it('are stored with their last part, and nothing of them is seen before', async () => {
      expect(await put(part(0, MIDDLE))).toEqual({ type: 'RECEIVED', nextOffset: MIDDLE });
      expect(await found()).toBeUndefined();
      expect(await read(0, 100)).toBeUndefined();
      expect(await put(part(MIDDLE, CONTENT.length))).toEqual(STORED);
      expect(await found()).toEqual({ sizeBytes: CONTENT.length, usedAtMs: SUBMITTED_AT_MS });
      expect(await found(OTHER)).toBeUndefined();
      expect(await test.store().claim(NAMESPACE)).toEqual({ epoch: 1, latestRevision: 0 });
    });

    it('are read from any place on, until their end', async () => {
      await put(part(0, MIDDLE), part(MIDDLE, CONTENT.length));
      for (const limit of [1, 3, 100]) {
        const pieces: number[] = [];
        while (pieces.length < CONTENT.length) {
          const slice = await read(pieces.length, limit);
          expect(slice?.sizeBytes).toBe(CONTENT.length);
          expect(slice?.bytes.length).toBeGreaterThan(0);
          expect(slice?.bytes.length).toBeLessThanOrEqual(limit);
          pieces.push(...(slice?.bytes ?? []));
        }
        expect(new Uint8Array(pieces)).toEqual(CONTENT);
      }
      expect(await read(CONTENT.length, 5)).toEqual({ bytes: new Uint8Array(0), sizeBytes: CONTENT.length });
      expect(await read(0, 5, OTHER)).toBeUndefined();
    });

    it('take no part twice and none out of order, and say where to go on', async () => {
      await put(part(0, MIDDLE));
      const going = { type: 'RECEIVED', nextOffset: MIDDLE };
      expect(await put(part(0, MIDDLE))).toEqual(going);
      expect(await put(part(MIDDLE + 1, MIDDLE + 2))).toEqual(going);
      expect(await put(part(0, 0))).toEqual(going);
      expect(await put(part(0, 0, { uploadId: 'another' }))).toEqual({ type: 'RECEIVED', nextOffset: 0 });
      expect(await put(part(MIDDLE, CONTENT.length))).toEqual(STORED);
      expect((await read(0, MIDDLE))?.bytes).toEqual(CONTENT.slice(0, MIDDLE));
    });

    it('are refused whole where the hash is another', async () => {
      const wrong = { sha256: sha256Of(bytes('something else')) };
      expect(await put(part(0, MIDDLE, wrong), part(MIDDLE, CONTENT.length, wrong))).toEqual({
        type: 'MISMATCH',
        found: HASH,
      });
      expect(await test.store().findPayloads(NAMESPACE, [wrong.sha256, HASH])).toEqual(new Map());
      expect(await put(part(0, 0, wrong))).toEqual({ type: 'RECEIVED', nextOffset: 0 });
      expect(await prune(SUBMITTED_AT_MS + 1)).toBe(0);
    });

    it('are stored once, whoever puts them: two uploads do not disturb each other', async () => {
      await put(part(0, MIDDLE), part(0, 5, { uploadId: 'slow' }));
      expect(await put(part(MIDDLE, CONTENT.length))).toEqual(STORED);
      expect(await put(part(5, 9, { uploadId: 'slow' }))).toEqual(STORED);
      expect(await put({ ...part(0, 0), uploadId: 'third', atMs: SUBMITTED_AT_MS + 9 })).toEqual(STORED);
      expect(await found()).toEqual({ sizeBytes: CONTENT.length, usedAtMs: SUBMITTED_AT_MS + 9 });
    });

    it('begin anew after they were dropped, or are to be something else', async () => {
      await put(part(0, MIDDLE));
      await test.store().dropUpload(NAMESPACE, 'upload');
      await test.store().dropUpload(NAMESPACE, 'never-was');
      expect(await put(part(0, 0))).toEqual({ type: 'RECEIVED', nextOffset: 0 });
      await put(part(0, MIDDLE));
      const larger = { sizeBytes: CONTENT.length + 1 };
      expect(await put(part(MIDDLE, 12, larger))).toEqual({ type: 'RECEIVED', nextOffset: 0 });
    });

    it('outlive the store, and uploads under way do not', async () => {
      const other = { sha256: sha256Of(bytes('another')), uploadId: 'other' };
      await put(WHOLE, part(0, MIDDLE, other));
      await test.store().close();
      const again = await test.openAgain();
      expect((await again.readPayload(NAMESPACE, HASH, 0, 100))?.bytes).toEqual(CONTENT);
      expect(await again.putPayload(part(MIDDLE, MIDDLE + 1, other))).toEqual({
        type: 'RECEIVED',
        nextOffset: 0,
      });
    });

    it('are pruned when they were last used before, oldest first, so many at a time', async () => {
      const many = Array.from({ length: 3 }, (_, index) => {
        const content = bytes(`content ${index}`);
        const atMs = SUBMITTED_AT_MS + index;
        return part(0, 0, { sha256: sha256Of(content), sizeBytes: content.length, bytes: content, atMs });
      });
      await put(...many);
      expect(await prune(SUBMITTED_AT_MS)).toBe(0);
      expect(await prune(SUBMITTED_AT_MS + 3, 2)).toBe(2);
      const left = await test.store().findPayloads(
        NAMESPACE,
        many.map(({ sha256 }) => sha256),
      );
      expect([...left.keys()]).toEqual([many[2]?.sha256]);
    });

    it('are not pruned once renewed', async () => {
      await put(WHOLE);
      const unknown = sha256Of(bytes('unknown'));
      expect(await test.store().renewPayloads(NAMESPACE, [HASH, unknown], SUBMITTED_AT_MS + 5)).toEqual([
        HASH,
      ]);
      expect(await prune(SUBMITTED_AT_MS + 5)).toBe(0);
      expect(await prune(SUBMITTED_AT_MS + 6)).toBe(1);
      expect(await test.store().renewPayloads(NAMESPACE, [HASH], SUBMITTED_AT_MS + 9)).toEqual([]);
    });

    it('are kept while a run refers to them (S9)', async () => {
      await put(WHOLE);
      const { epoch } = await test.store().claim(NAMESPACE);
      const references = [
        { run: 1, sha256: HASH },
        { run: 1, sha256: HASH },
        { run: 1, sha256: sha256Of(bytes('never stored')) },
      ];
      await test.store().commit({ ...submission(epoch, 1), references });
      await test.store().commit(batch(epoch, { references: references.slice(0, 1) }));
      expect(await prune(SUBMITTED_AT_MS + 1_000)).toBe(0);
      expect(await found()).toBeDefined();
    });

    it('are kept while a version of a workflow refers to them (S9)', async () => {
      await put(WHOLE);
      const nothing = { add: undefined, remove: undefined, requests: [], references: [] };
      const add = { name: 'w', description: '', createdAtMs: 1, digest: 'd', template: bytes('t') };
      const change = { ...nothing, namespace: NAMESPACE };
      await test.store().changeWorkflows({ ...change, add: { ...add, version: 1 }, references: [HASH] });
      await test.store().changeWorkflows({ ...change, add: { ...add, version: 2 } });
      await test.store().changeWorkflows({ ...change, remove: { name: 'w', version: 2 } });
      expect(await prune(SUBMITTED_AT_MS + 1)).toBe(0);
      await test.store().changeWorkflows({ ...change, remove: { name: 'w', version: undefined } });
      expect(await prune(SUBMITTED_AT_MS + 1)).toBe(1);
      expect(await found()).toBeUndefined();
    });
  });
}
