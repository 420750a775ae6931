import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { parseRunSpec } from './spec-file.ts';

/** The failure that reading ends with. */
function failureOf(text: string, name = 'run.yaml'): Failure {
  try {
    parseRunSpec(text, name);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('was read without complaint');
}

describe('a run specification as YAML or JSON', () => {
  const yaml = `
name: hello
labels: { team: data }
failurePolicy: FAILURE_POLICY_CANCEL
timeout: 60s
tasks:
  - key: a
    capability: echo
    input: { value: { greeting: hi } }
  - key: b
    capability: sleep
    dependencies:
      - key: a
        condition: DEPENDENCY_CONDITION_FINISHED
    retry: { max_attempts: 3, initialDelay: 0.5s }
    priority: 0
`;

  test('YAML is read by the JSON mapping of RunSpec, with both spellings of names', () => {
    const spec = parseRunSpec(yaml, 'run.yaml');
    expect(spec.name).toBe('hello');
    expect(spec.labels).toEqual({ team: 'data' });
    expect(spec.timeout?.seconds).toBe(60n);
    expect(spec.tasks.map((task) => task.key)).toEqual(['a', 'b']);
    expect(spec.tasks[0]?.input?.data.case).toBe('value');
    expect(spec.tasks[1]?.retry?.maxAttempts).toBe(3);
    expect(spec.tasks[1]?.retry?.initialDelay?.nanos).toBe(500_000_000);
    expect(spec.tasks[1]?.priority).toBe(0);
  });

  test('JSON is read the same, by its name or by its look', () => {
    const json = '{"name":"hello","tasks":[{"key":"a","capability":"echo"}]}';
    for (const name of ['run.json', 'standard input']) {
      expect(parseRunSpec(json, name).tasks[0]?.capability).toBe('echo');
    }
  });

  test('YAML flow style is not mistaken for broken JSON', () => {
    expect(parseRunSpec('{name: hello, tasks: [{key: a, capability: echo}]}', 'x').name).toBe('hello');
  });

  test('bad input: every unknown field is named with its path and line', () => {
    const failure = failureOf(
      'nam: x\ntasks:\n  - key: a\n    capability: echo\n    retry:\n      maxAtempts: 3\n',
    );
    expect(failure.exitCode).toBe(2);
    expect(failure.details.fields.map((field) => field.field)).toEqual(['nam', 'tasks[0].retry.maxAtempts']);
    expect(failure.details.fields[0]?.description).toContain('unknown field; RunSpec has: name, labels');
    expect(failure.details.fields[0]?.description).toContain('(line 1)');
    expect(failure.details.fields[1]?.description).toContain('(line 6)');
  });

  test('bad input: unknown fields of JSON are named with their path', () => {
    const failure = failureOf('{"tasks":[{"key":"a"},{"key":"b","prio":1}]}', 'run.json');
    expect(failure.details.fields.map((field) => field.field)).toEqual(['tasks[1].prio']);
  });

  test.each([
    ['tasks: {}', 'tasks', 'expected a list, got a mapping'],
    ['tasks: [a]', 'tasks[0]', 'expected a mapping of the fields of TaskSpec, got "a"'],
    ['tasks:\n - {key: a, priority: high}', 'tasks[0].priority', 'int32'],
    ['timeout: 5 minutes', 'timeout', 'minutes'],
    ['tasks:\n - {key: 7}', 'tasks[0].key', 'string'],
    ['failurePolicy: MAYBE', 'failurePolicy', 'MAYBE'],
    ['tasks:\n - {key: a, input: {bytes: YQ==, value: 1}}', 'tasks[0].input', 'bytes and value'],
    ['labels: {a: [1]}', 'labels', 'string'],
    ['- a', '(root)', 'expected a mapping of the fields of RunSpec, got a list'],
    ['', '(root)', 'got null'],
    [
      'tasks: [{ key: a, capability: b, timeouts: { attempt: 5 } }]',
      'tasks[0].timeouts.attempt',
      'expected a duration in seconds such as "5s" or "0.25s", got 5',
    ],
    ['timeout: 5m', 'timeout', 'such as "5s" or "0.25s", got "5m"'],
  ])('bad input: %j is refused at %s', (text, path, description) => {
    const failure = failureOf(text);
    expect(failure.exitCode).toBe(2);
    expect(failure.details.fields[0]?.field).toBe(path);
    expect(failure.details.fields[0]?.description).toContain(description);
  });

  test('bad input: a key given twice is refused', () => {
    expect(failureOf('name: a\nname: b\n').message).toContain('unique');
    expect(failureOf('{"name":"a","name":"b"}', 'run.json').message).toContain('name');
  });

  test('bad input: broken YAML and broken JSON are refused with the place', () => {
    expect(failureOf('tasks: [a').message).toMatch(/not YAML: .*line 1/);
    expect(failureOf('{"tasks":', 'run.json').message).toContain('not JSON');
  });

  test('bad input: aliases cannot make a small file huge', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const inner = level === 0 ? 'x' : Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ');
      return `l${level}: &a${level} [${inner}]`;
    });
    expect(failureOf(levels.join('\n')).message).toContain('not usable YAML');
  });
});
