// DESIGN section 6, idempotency: a repeat is known as one, and nothing else is.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CancelRunRequestSchema,
  SubmitRunRequestSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { type Json, valueOfJson } from '../wire/value.ts';
import { requestKeyAt, requestKeyOf } from './fingerprint.ts';

function keyOf(request: MessageInitShape<typeof SubmitRunRequestSchema>) {
  return requestKeyOf(SubmitRunRequestSchema, create(SubmitRunRequestSchema, request));
}

function withInput(json: Json) {
  const value = valueOfJson(json);
  if (value === undefined) throw new Error('not a value');
  const input = { data: { case: 'value' as const, value } };
  return keyOf({ requestId: 'q', run: { spec: { tasks: [{ key: 'k', capability: 'c', input }] } } });
}

describe('a fingerprint', () => {
  test('is not made without a request id', () => {
    expect(keyOf({ run: { runId: 'r' } })).toBeUndefined();
  });

  test('does not depend on the order of maps, at any depth', () => {
    const labelled = (labels: Record<string, string>) => keyOf({ requestId: 'q', run: { spec: { labels } } });
    expect(labelled({ a: '1', b: '2' })).toEqual(labelled({ b: '2', a: '1' }));
    expect(withInput({ a: [{ x: 1, y: 2 }], b: 2 })).toEqual(withInput({ b: 2, a: [{ y: 2, x: 1 }] }));
  });

  test('depends on everything else', () => {
    const all = [
      withInput({ a: [1, 2] }),
      withInput({ a: [2, 1] }),
      withInput({ a: { b: 1 } }),
      keyOf({ requestId: 'q', run: { runId: 'r' } }),
      keyOf({ requestId: 'q', run: { runId: 'r', runIdConflict: 2 } }),
      requestKeyOf(CancelRunRequestSchema, create(CancelRunRequestSchema, { requestId: 'q', runId: 'r' })),
    ].map((key) => key?.fingerprint);
    expect(new Set(all).size).toBe(all.length);
  });

  test('does not depend on how the answer is to be given', () => {
    const asked = { requestId: 'q', run: { runId: 'r' } };
    expect(keyOf({ ...asked, wait: { seconds: 9n }, payloadForm: 1 })).toEqual(keyOf(asked));
    expect(keyOf({ ...asked, wait: {} })).toEqual(keyOf(asked));
  });

  test('does not depend on whether the default namespace is named', () => {
    expect(keyOf({ requestId: 'q' })).toEqual(keyOf({ requestId: 'q', namespace: 'default' }));
  });

  test('of one run of many has an id that no client can choose', () => {
    expect(requestKeyAt(keyOf({ requestId: 'q' }), 7)?.requestId).toBe('q:7');
    expect(requestKeyAt(undefined, 7)).toBeUndefined();
  });
});
