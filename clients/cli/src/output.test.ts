import { create } from '@bufbuild/protobuf';
import { RunSchema, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { describe, expect, test } from 'vitest';
import { usageFailure } from './failure.ts';
import { createOutput, renderFailure, renderTable } from './output.ts';

function record(format: 'text' | 'json') {
  const written = { stdout: '', stderr: '' };
  const output = createOutput(
    format,
    { write: (text) => (written.stdout += text) },
    { write: (text) => (written.stderr += text) },
  );
  return { output, written };
}

describe('what a command says', () => {
  const run = create(RunSchema, { runId: 'r', state: RunState.COMPLETED, lastRevision: 7n });

  test('with -o json stdout holds only documents of the JSON mapping, one to a line', () => {
    const { output, written } = record('json');
    output.text('for people');
    output.remark('for people');
    output.message(RunSchema, run);
    expect(written).toEqual({
      stdout: '{"runId":"r","state":"RUN_STATE_COMPLETED","lastRevision":"7"}\n',
      stderr: '',
    });
  });

  test('as text it holds only what is meant for people', () => {
    const { output, written } = record('text');
    output.text('result');
    output.remark('remark');
    output.message(RunSchema, run);
    expect(written).toEqual({ stdout: 'result\n', stderr: 'remark\n' });
  });

  test('a failure names every field, in either form', () => {
    const failure = usageFailure('run.yaml: not valid', [{ field: 'tasks[0].key', description: 'missing' }]);
    expect(renderFailure(failure, 'text')).toBe('tutti: run.yaml: not valid\n  tasks[0].key: missing\n');
    expect(JSON.parse(renderFailure(failure, 'json'))).toEqual({
      error: {
        code: 'USAGE',
        reason: '',
        message: 'run.yaml: not valid',
        metadata: {},
        fields: [{ field: 'tasks[0].key', description: 'missing' }],
      },
    });
  });

  test('a table is as wide as its widest cells', () => {
    expect(
      renderTable([
        ['RUN', 'STATE'],
        ['long-id', 'X'],
      ]),
    ).toBe('RUN      STATE\nlong-id  X');
  });
});
