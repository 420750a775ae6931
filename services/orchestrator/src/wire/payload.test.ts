// BEHAVIOURS B: data goes in and comes out unchanged, in whichever form it is asked for.

import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromPayload, toPayload } from './payload.ts';
import { payload } from './wire-fixture.ts';

const json = (text: string, contentType = '') => ({ bytes: new TextEncoder().encode(text), contentType });

describe('a payload', () => {
  test('as bytes comes back as it was', () => {
    fc.assert(
      fc.property(payload, (one) => {
        expect(toPayload(fromPayload(one, 'BYTES'))).toEqual(one);
      }),
    );
  });

  test('as a value is its JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const message = fromPayload(json(text), 'VALUE');
        fc.pre(message.data.case === 'value');
        // Over the wire as any client would read it, and back.
        const read = fromBinary(PayloadSchema, toBinary(PayloadSchema, message));
        expect(JSON.parse(new TextDecoder().decode(toPayload(read).bytes))).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ['of another type', json('{}', 'image/png')],
    ['that is not JSON', json('{')],
    ['that is not UTF-8', { bytes: new Uint8Array([0x22, 0xff, 0x22]), contentType: '' }],
    ['with a number beyond a double', json('[1e400]')],
    ['that nests deeper than readers allow', json('['.repeat(32) + ']'.repeat(32))],
    ['with a field that would set a prototype', json('{"__proto__": 1}')],
  ])('%s stays bytes', (_what, one) => {
    expect(fromPayload(one, 'VALUE').data).toEqual({ case: 'bytes', value: one.bytes });
  });

  test('that nests as deep as is allowed can be read again, inside of others', () => {
    const text = '{"a":'.repeat(30) + 1 + '}'.repeat(30);
    const message = fromPayload(json(text), 'VALUE');
    expect(message.data.case).toBe('value');
    expect(() =>
      fromBinary(PayloadSchema, toBinary(PayloadSchema, message), { recursionLimit: 94 }),
    ).not.toThrow();
    expect(toJson(PayloadSchema, message)).toEqual({ value: JSON.parse(text) });
  });

  test('B.4: that is stored apart stays a reference, in every form', () => {
    const ref = { sha256: 'ab'.repeat(32), sizeBytes: 5_000_000 };
    const one = { bytes: new Uint8Array(0), contentType: '', ref };
    for (const form of ['BYTES', 'VALUE'] as const) {
      const { data } = fromPayload(one, form);
      expect(data).toMatchObject({ case: 'ref', value: { sizeBytes: 5_000_000n } });
      expect(toPayload(fromPayload(one, form))).toEqual(one);
    }
  });

  test('B.4: that is inline has no property for a reference', () => {
    expect(Object.keys(toPayload(fromPayload(json('1'), 'BYTES')))).toEqual(['bytes', 'contentType']);
  });

  test('of no bytes is not null', () => {
    expect(fromPayload(json(''), 'VALUE').data.case).toBeUndefined();
    expect(fromPayload(json('null'), 'VALUE').data.case).toBe('value');
  });

  test('keeps its content type, also with parameters', () => {
    const message = fromPayload(json('1', 'application/json; charset=utf-8'), 'VALUE');
    expect(message).toMatchObject({
      contentType: 'application/json; charset=utf-8',
      data: { case: 'value' },
    });
  });
});
