// D.5: guardrails by JSON Schema, whatever strangers write into them.

import { expect, test } from 'vitest';
import { createInputSchemas } from './input-schema.ts';
import { createSchemaChecker } from './schema-checker.ts';

const checker = createSchemaChecker(createInputSchemas());
const text = (schema: object) => JSON.stringify(schema);

test('D.5: a value that matches passes; one that breaks it is told where', () => {
  const schema = text({ type: 'object', required: ['total'], properties: { total: { type: 'number' } } });

  expect(checker.problemOf(schema)).toBeUndefined();
  expect(checker.violationOf('result', schema, { total: 3 })).toBeUndefined();
  expect(checker.violationOf('result', schema, { total: 'three' })).toContain('result.total');
  expect(checker.violationOf('result', schema, {})).toBe('result.total is missing: the schema asks for it');
  expect(checker.violationOf('result', schema, null)).toContain('result');
  expect(checker.violationOf('input', schema, {})).toBe('input.total is missing: the schema asks for it');
});

test('D.5: what is no schema is told, and why', () => {
  expect(checker.problemOf(text({ type: 'sonnet' }))).toContain('schema.type');
  expect(checker.problemOf(text({ $schema: 'http://json-schema.org/draft-07/schema#' }))).toContain(
    '2020-12',
  );
});

test('D.5: a hostile pattern and endless work end soon, as a refusal', () => {
  const pattern = text({ type: 'string', pattern: '^(a+)+$' });
  expect(checker.violationOf('result', pattern, `${'a'.repeat(50_000)}!`)).toContain('result');

  const $defs: Record<string, object> = { d0: { type: 'number' } };
  for (let n = 1; n < 41; n++)
    $defs[`d${n}`] = { allOf: [{ $ref: `#/$defs/d${n - 1}` }, { $ref: `#/$defs/d${n - 1}` }] };
  const doubling = text({ $defs, $ref: '#/$defs/d40' });
  const beganAtMs = performance.now();
  expect(checker.problemOf(doubling) ?? checker.violationOf('result', doubling, 1)).toContain(
    'cannot be checked within',
  );
  expect(performance.now() - beganAtMs).toBeLessThan(30_000);
});
