// What the client sends for workflows. What becomes of it, test/e2e/workflows.test.ts tells.

import { expect, test } from 'vitest';
import { SpecError } from './spec.ts';
import { toWorkflowRef, toWorkflowTemplate } from './workflows.ts';

test('a name means the latest version', () => {
  expect(toWorkflowRef('report')).toMatchObject({ name: 'report', version: 0 });
  expect(toWorkflowRef({ name: 'report' })).toMatchObject({ name: 'report', version: 0 });
  expect(toWorkflowRef({ name: 'report', version: 3 })).toMatchObject({ name: 'report', version: 3 });
});

test.each([-1, 1.5, Number.NaN, 2 ** 32])('%d is no version', (version) => {
  expect(() => toWorkflowRef({ name: 'report', version })).toThrow(SpecError);
});

test('a template is written as a run is, with its schema', () => {
  const inputSchema = { type: 'object', required: ['name'] };
  const spec = { tasks: [{ key: 'a', capability: 'echo' }], input: { name: 'Ada' } };
  const template = toWorkflowTemplate({ name: 'report', inputSchema, spec });
  expect(template).toMatchObject({ name: 'report', inputSchema, spec: { tasks: [{ key: 'a' }] } });
  expect(Buffer.from(template.spec?.input?.data.value as Uint8Array).toString()).toBe('{"name":"Ada"}');
  expect(toWorkflowTemplate(template)).toBe(template);
});

test('a misspelt field is refused', () => {
  const spec = { tasks: [{ key: 'a', capability: 'echo' }] };
  expect(() => toWorkflowTemplate({ name: 'a', spec, shema: {} } as never)).toThrow('shema');
  expect(() => toWorkflowRef({ name: 'a', verison: 1 } as never)).toThrow('workflow.verison');
});
