// BEHAVIOURS B.4 in the runtime: bounds of uploads, and references that are looked up before a call.

import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { compileGraph } from '../domain/compile.ts';
import type { Payload } from '../domain/payload.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { createMemoryPlace, openMemoryStore } from '../store/memory/memory-store.ts';
import { type Store, StoreError } from '../store/port.ts';
import { createGate } from './gate.ts';
import { chainOf, startFixture, startWorker } from './orchestrator-fixture.ts';
import { createPayloads, DEFAULT_PAYLOAD_LIMITS, MAX_PART_BYTES, type PayloadLimits } from './payloads.ts';

const CONTENT = new TextEncoder().encode('a content of some bytes');
const hashOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
const REF = { sha256: hashOf(CONTENT), sizeBytes: CONTENT.length };
const APART: Payload = { bytes: new Uint8Array(0), contentType: '', ref: REF };

function part(content: Uint8Array, more: object = {}) {
  const all = { offset: 0, bytes: content, sha256: hashOf(content), sizeBytes: content.length };
  return { namespace: 'default', uploadId: randomUUID() as string, ...all, ...more };
}

function setUp(limits: Partial<PayloadLimits> = {}, change: (store: Store) => Partial<Store> = () => ({})) {
  const inner = openMemoryStore(createMemoryPlace());
  const store = { ...inner, ...change(inner) };
  const time = { nowMs: 1_000_000_000 };
  const clock = {
    nowMs: () => time.nowMs,
    soon: (callback: () => void) => void setImmediate(callback),
    after: () => () => {},
  };
  const serving = { now: true };
  const payloads = createPayloads({
    store,
    clock,
    limits: { ...DEFAULT_PAYLOAD_LIMITS, ...limits },
    serving: () => serving.now,
    warn: () => {},
  });
  return { payloads, store, time, serving };
}

describe('a part', () => {
  test('of a content that is too large is refused, with both sizes', async () => {
    const { payloads } = setUp({ maxStoredPayloadBytes: 10 });
    expect(await payloads.put(part(CONTENT))).toMatchObject({
      rejection: {
        code: 'PAYLOAD_TOO_LARGE',
        field: 'size_bytes',
        metadata: { size_bytes: String(CONTENT.length), limit_bytes: '10' },
      },
    });
  });

  test('beyond the end of the content is refused', async () => {
    const { payloads } = setUp();
    expect(await payloads.put(part(CONTENT, { offset: 1 }))).toMatchObject({
      rejection: { code: 'INVALID_FIELD', field: 'bytes' },
    });
  });

  test('that completes another content is refused, with both hashes', async () => {
    const { payloads } = setUp();
    const sha256 = 'cd'.repeat(32);
    expect(await payloads.put(part(CONTENT, { sha256 }))).toMatchObject({
      rejection: { code: 'PAYLOAD_MISMATCH', metadata: { sha256, found: REF.sha256 } },
    });
  });

  test('is answered with NOT_SERVING while nobody is served, and where the store fails', async () => {
    const refused = { rejection: { code: 'NOT_SERVING' } };
    const broken = setUp({}, () => ({
      putPayload: () => Promise.reject(new StoreError('FAILED', 'the disk is full')),
    }));
    expect(await broken.payloads.put(part(CONTENT))).toMatchObject(refused);
    const { payloads, serving } = setUp();
    serving.now = false;
    expect(await payloads.put(part(CONTENT))).toMatchObject(refused);
    expect(await payloads.get('default', REF.sha256, 0, 0)).toMatchObject(refused);
  });

  test('is told in pieces that are bounded; what is not stored is refused', async () => {
    const { payloads } = setUp();
    expect(await payloads.get('default', REF.sha256, 0, 0)).toMatchObject({
      rejection: { code: 'PAYLOAD_NOT_FOUND' },
    });
    const large = new Uint8Array(MAX_PART_BYTES + 10).fill(7);
    await payloads.put(part(large));
    const told = await payloads.get('default', hashOf(large), 0, 2 * MAX_PART_BYTES);
    expect(told.ok && told.value.bytes.length).toBe(MAX_PART_BYTES);
  });
});

describe('uploads under way', () => {
  const begun = (sizeBytes: number) => part(CONTENT, { sizeBytes, sha256: 'ee'.repeat(32) });

  test.each([
    ['in number', { maxUploads: 2 }, 100],
    ['in bytes', { maxUploadBytes: 250 }, 100],
  ])('are bounded %s; what nothing came for in a minute makes room', async (_, limits, sizeBytes) => {
    const { payloads, time, store } = setUp(limits);
    const dropped = vi.spyOn(store, 'dropUpload');
    const [first, second, third] = [begun(sizeBytes), begun(sizeBytes), begun(sizeBytes)];
    expect(await payloads.put(first)).toMatchObject({ ok: true });
    time.nowMs += 30_000;
    expect(await payloads.put(second)).toMatchObject({ ok: true });
    const refused = { rejection: { code: 'LIMIT_REACHED', metadata: { resource: 'payload_uploads' } } };
    expect(await payloads.put(third)).toMatchObject(refused);
    time.nowMs += 30_000;
    expect(await payloads.put(third)).toMatchObject({ ok: true });
    expect(dropped.mock.calls).toEqual([['default', first.uploadId]]);
    expect(await payloads.put(begun(sizeBytes))).toMatchObject(refused);
  });

  test('make room when they end, well or not', async () => {
    const { payloads } = setUp({ maxUploads: 1 });
    for (const sha256 of [REF.sha256, 'cd'.repeat(32)]) {
      await payloads.put(part(CONTENT, { sha256 }));
      expect(await payloads.put(part(CONTENT.slice(1)))).toMatchObject({ ok: true, value: { stored: true } });
    }
  });
});

describe('what a call refers to', () => {
  const reference = { field: 'x.y', ref: REF };

  test('has to be stored, with that size', async () => {
    const { payloads } = setUp();
    expect(await payloads.check('default', [reference])).toMatchObject({
      code: 'PAYLOAD_NOT_FOUND',
      field: 'x.y',
      metadata: { namespace: 'default', field: 'x.y', sha256: REF.sha256 },
    });
    await payloads.put(part(CONTENT));
    expect(await payloads.check('default', [reference])).toBeUndefined();
    expect(await payloads.check('other', [reference])).toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
    const wrong = { field: 'x.y', ref: { ...REF, sizeBytes: 5 } };
    expect(await payloads.check('default', [wrong])).toMatchObject({
      code: 'INVALID_FIELD',
      field: 'x.y.ref.size_bytes',
    });
  });

  test('counts as used, so that it is not pruned before the call is committed', async () => {
    const { payloads, store, time } = setUp({ payloadGraceMs: 1_000 });
    await payloads.put(part(CONTENT));
    time.nowMs += 900;
    expect(await payloads.check('default', [reference, reference])).toBeUndefined();
    time.nowMs += 900;
    expect(await store.prunePayloads(time.nowMs - 1_000, 10)).toBe(0);
  });

  test('is refused where it was pruned between the look and the renewal', async () => {
    const { payloads, time } = setUp({ payloadGraceMs: 1_000 }, () => ({ renewPayloads: async () => [] }));
    await payloads.put(part(CONTENT));
    time.nowMs += 900;
    expect(await payloads.check('default', [reference])).toMatchObject({ code: 'PAYLOAD_NOT_FOUND' });
  });
});

describe('a run', () => {
  function refer(runId: string) {
    const plain = chainOf(runId, ['a', 'b']);
    const [a, b] = plain.graph.spec.tasks;
    if (a === undefined || b === undefined) throw new Error('two tasks');
    const tasks = [a, { ...b, input: APART }];
    const graph = compileGraph({ ...plain.graph.spec, tasks }, createExpressionCompiler());
    if (!graph.ok) throw new Error(graph.rejection.message);
    return { ...plain, graph: graph.value };
  }

  test('that refers to what is not stored is refused with the field, and leaves nothing', async () => {
    const { orchestrator, store } = await startFixture();
    expect(await orchestrator.call('default', 'SubmitRun', refer('r'))).toMatchObject({
      rejection: { code: 'PAYLOAD_NOT_FOUND', field: 'run.spec.tasks[1].input' },
    });
    expect(await store.getRun('default', 'r')).toBeUndefined();
    await orchestrator.stop();
  });

  test('holds what it refers to: inputs and results', async () => {
    const fixture = await startFixture();
    const { orchestrator, store } = fixture;
    const other = CONTENT.slice(2);
    for (const content of [CONTENT, other]) await orchestrator.payloads.put(part(content));
    expect(await orchestrator.call('default', 'SubmitRun', refer('r'))).toMatchObject({ ok: true });
    const register = { executorId: 'e', capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }] };
    const options = { labels: {}, slots: 1, held: [], phase: 'ACTIVE' } as const;
    const session = await orchestrator.call('default', 'RegisterExecutor', { ...register, ...options });
    if (!session.ok) throw new Error(session.rejection.message);
    await vi.waitUntil(() => fixture.assigned().length === 1);
    const leaseToken = fixture.assigned()[0]?.leaseToken ?? '';
    const result = { ...APART, ref: { sha256: hashOf(other), sizeBytes: other.length } };
    const report = (payload: Payload) => ({
      executorId: 'e',
      session: session.value.session,
      reports: [{ leaseToken, outcome: { type: 'Completed' as const, result: payload }, usage: undefined }],
    });
    const missing = { ...APART, ref: { sha256: 'cd'.repeat(32), sizeBytes: 1 } };
    expect(await orchestrator.call('default', 'Report', report(missing))).toMatchObject({
      rejection: { code: 'PAYLOAD_NOT_FOUND', field: 'reports[0].completed.result' },
    });
    expect(await orchestrator.call('default', 'Report', report(result))).toEqual({
      ok: true,
      value: ['RECORDED'],
    });
    expect(await store.prunePayloads(Number.MAX_SAFE_INTEGER, 10)).toBe(0);
    await vi.waitUntil(() => fixture.assigned().length === 2);
    expect(fixture.assigned()[1]).toMatchObject({ input: APART, dependencies: [{ key: 'a', result }] });
    await orchestrator.stop();
  });

  test('without references asks the store for none', async () => {
    const fixture = await startFixture({}, undefined, () => ({
      findPayloads: () => Promise.reject(new Error('nobody should ask')),
    }));
    await fixture.orchestrator.call('default', 'SubmitRun', chainOf('r', ['a']));
    await (await startWorker(fixture)).complete(1);
    await fixture.orchestrator.stop();
  });
});

test('a gate lets so many through at once, so many wait, and no more', async () => {
  const gate = createGate(2, 1);
  const held = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const running = held.map(({ promise }) => gate.pass(() => promise));
  const began = vi.fn(async () => 3);
  const waiting = gate.pass(began);
  expect(gate.pass(began)).toBeUndefined();
  expect(began).not.toHaveBeenCalled();
  held[0]?.reject(new Error('failed'));
  await expect(running[0]).rejects.toThrow('failed');
  expect(await waiting).toBe(3);
  expect(await gate.pass(began)).toBe(3);
  held[1]?.resolve(1);
  expect(await running[1]).toBe(1);
});
