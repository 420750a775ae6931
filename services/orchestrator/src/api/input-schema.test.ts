// Inputs of workflows against their schemas, and the schemas of strangers (issue 3, items 5 and 7).

import { spawnSync } from 'node:child_process';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { createInputSchemas, MAX_SCHEMA_BYTES, MAX_VIOLATIONS } from './input-schema.ts';

const schemas = createInputSchemas();
const fieldsOf = (schema: JsonObject, input: JsonValue) =>
  schemas.violationsOf(schema, input, 'run.input').map(({ field }) => field);

/** 2^40 ways through it. */
function doubling(): JsonObject {
  const $defs: Record<string, JsonObject> = { d40: { type: 'object' } };
  for (let i = 0; i < 40; i += 1) {
    const next = { $ref: `#/$defs/d${i + 1}` };
    $defs[`d${i}`] = { allOf: [next, next] };
  }
  return { $ref: '#/$defs/d0', $defs };
}

describe('an input', () => {
  const schema: JsonObject = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      customer: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      items: { type: 'array', items: { type: 'object', properties: { count: { minimum: 1 } } } },
      'odd key': { const: 1 },
      kind: { enum: ['a', 'b'] },
    },
    required: ['customer'],
    additionalProperties: false,
  };

  test('that matches has no violations', () => {
    expect(fieldsOf(schema, { customer: { name: 'Ada' }, items: [{ count: 2 }] })).toEqual([]);
  });

  test('is told every violation by its path', () => {
    const input = { items: [{ count: 1 }, { count: 0 }], 'odd key': 2, kind: 'c', extra: 1 };
    expect(schemas.violationsOf(schema, input, 'run.input')).toEqual([
      { field: 'run.input.customer', description: 'run.input.customer is missing: the schema asks for it' },
      {
        field: 'run.input.extra',
        description: 'run.input.extra is unknown: the schema has no such property',
      },
      { field: 'run.input.items[1].count', description: 'run.input.items[1].count must be >= 1' },
      { field: 'run.input["odd key"]', description: 'run.input["odd key"] must be 1' },
      { field: 'run.input.kind', description: 'run.input.kind must be one of ["a","b"]' },
    ]);
    expect(fieldsOf(schema, { customer: {} })).toEqual(['run.input.customer.name']);
    expect(fieldsOf(schema, null)).toEqual(['run.input']);
  });

  test('is told at most so many', () => {
    expect(
      fieldsOf(
        { items: { type: 'string' } },
        Array.from({ length: 100 }, () => 1),
      ),
    ).toHaveLength(MAX_VIOLATIONS);
  });

  test('does not have what every object inherits', () => {
    const inherited = { type: 'object', required: ['toString', 'constructor'] };
    expect(fieldsOf(inherited, {})).toEqual(['run.input.toString', 'run.input.constructor']);
  });

  test('is not checked for longer than a moment (I1)', () => {
    expect(schemas.problemOf(doubling(), 'schema')).toBeUndefined();
    const startedAtMs = performance.now();
    const [told] = schemas.violationsOf(doubling(), {}, 'run.input');
    expect(told?.description).toMatch(/^run\.input cannot be checked within 100 ms/);
    expect(performance.now() - startedAtMs).toBeLessThan(30_000);
  });

  test('may be held up by a machine that does something else: what counts is the work (I1)', () => {
    let stalls = 0;
    const input = {
      get name() {
        // Longer than the limit, and the processor has nothing to do for it.
        if (stalls++ === 0) spawnSync('sleep', ['0.3']);
        return 'x';
      },
    };
    const schema = { type: 'object', properties: { name: { type: 'string' } } };
    expect(schemas.problemOf(schema, 'schema')).toBeUndefined();
    expect(schemas.violationsOf(schema, input, 'run.input')).toEqual([]);
  });

  test('nested beyond the stack is refused, not a crash', () => {
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const tree = { type: 'array', items: { $ref: '#' } };
    const [told] = schemas.violationsOf(tree, JSON.parse(nested) as JsonValue, 'run.input');
    expect(told?.description).toMatch(/^run\.input cannot be checked/);
  });

  test('is matched in linear time by patterns that stall others (I3)', () => {
    expect(fieldsOf({ pattern: '^(a+)+$' }, `${'a'.repeat(5_000)}!`)).toEqual(['run.input']);
    expect(fieldsOf({ pattern: '^(a+)+$' }, 'aaa')).toEqual([]);
  });
});

describe('a schema', () => {
  const problem = (schema: JsonObject) => schemas.problemOf(schema, 'workflow.input_schema');

  test.each<[string, JsonObject]>([
    ['of nothing', {}],
    ['that refers to itself', { type: 'array', items: { $ref: '#' } }],
    ['with an id of its own', { $id: 'https://example.com/a', $defs: { b: { $anchor: 'c' } }, $ref: '#c' }],
  ])('%s is one', (_what, schema) => {
    expect(problem(schema)).toBeUndefined();
    // Again: what one declares is not in the way of another (I2).
    expect(problem({ ...schema, title: 'again' })).toBeUndefined();
  });

  test.each<[string, JsonObject, string, RegExp]>([
    ['of no such type', { properties: { a: { type: 'strong' } } }, '.properties.a.type', /must be/],
    ['with an unknown keyword', { propertys: {} }, '', /unknown keyword: "propertys"/],
    ['with a remote reference', { $ref: 'https://example.com/x' }, '', /can't resolve reference/],
    ['with a reference into nowhere', { $ref: '#/$defs/x' }, '', /can't resolve reference/],
    ['of another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, '', /draft 2020-12/],
    ['that would answer later', { $async: true }, '', /\$async is no keyword/],
    ['with a pattern that RE2 lacks', { pattern: '(?=a)' }, '', /invalid/],
    ['that is too large', { title: 'x'.repeat(MAX_SCHEMA_BYTES) }, '', /at most 65536/],
    [
      'that is too deep',
      Array.from({ length: 40 }).reduce<JsonObject>((inner) => ({ not: inner }), {}),
      '',
      /deep/,
    ],
  ])('%s is refused', (_what, schema, place, why) => {
    const told = problem(schema);
    expect(told?.field).toBe(`workflow.input_schema${place}`);
    expect(told?.description).toMatch(why);
  });

  test('cannot refer to what another one declares (I2)', () => {
    expect(problem({ $id: 'https://example.com/mine', type: 'string' })).toBeUndefined();
    expect(problem({ $ref: 'https://example.com/mine' })?.description).toMatch(/can't resolve/);
  });
});

test('a schema is compiled anew once it was forgotten', () => {
  const first: JsonObject = { type: 'object', required: ['a'] };
  for (let index = 0; index < 70; index += 1) {
    expect(fieldsOf({ type: 'string', minLength: index }, 'x'.repeat(index))).toEqual([]);
  }
  expect(fieldsOf(first, {})).toHaveLength(1);
  for (let index = 0; index < 70; index += 1) fieldsOf({ type: 'string', maxLength: index }, '');
  expect(fieldsOf(first, {})).toHaveLength(1);
});
