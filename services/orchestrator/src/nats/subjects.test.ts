// DESIGN 9, subjects; issue 2: ids and capability names with wildcards, spaces or control characters.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSubjects, DEFAULT_PREFIX } from './subjects.ts';

const subjects = createSubjects(DEFAULT_PREFIX);

test('subjects are those of the protocol', () => {
  expect(subjects.requests('register')).toBe('tutti.v1.*.executors.register');
  expect(subjects.requests('heartbeat')).toBe('tutti.v1.*.executors.heartbeat');
  expect(subjects.requests('report')).toBe('tutti.v1.*.reports');
  expect(subjects.tasks('default', 'image.resize', 'worker-1')).toBe(
    'tutti.v1.default.tasks.image.resize.worker-1',
  );
  expect(subjects.events('default', 'run_1')).toBe('tutti.v1.default.events.run_1');
  expect(subjects.events('default', 'run_1~0~2')).toBe('tutti.v1.default.events.run_1~0~2');
  expect(subjects.orchestrators()).toBe('tutti.v1._orchestrator');
  expect(subjects.answersTo('o-1')).toBe('tutti.v1._orchestrator.o-1');
});

test('the namespace and the kind of a request are read from its subject', () => {
  expect(subjects.parseRequest('tutti.v1.team-a.reports')).toEqual({ namespace: 'team-a', kind: 'report' });
  expect(subjects.parseRequest('tutti.v1.x.executors.register')).toEqual({
    namespace: 'x',
    kind: 'register',
  });
  expect(createSubjects('acme').parseRequest('acme.x.executors.heartbeat')).toEqual({
    namespace: 'x',
    kind: 'heartbeat',
  });
});

test.each([
  'tutti.v1.Team.reports',
  'tutti.v1.-a.reports',
  'tutti.v1.a-.reports',
  'tutti.v1.a*.reports',
  'tutti.v1.>.reports',
  'tutti.v1..reports',
  'tutti.v1.a b.reports',
  `tutti.v1.${'a'.repeat(64)}.reports`,
  'tutti.v1.a.b.reports',
  'tutti.v2.a.reports',
  'tutti.v1.reports',
  'tutti.v1.a.executors',
  '',
])('%j is no subject of a request', (subject) => {
  expect(subjects.parseRequest(subject)).toBeUndefined();
});

describe('what could change the meaning of a subject never gets into one', () => {
  const bad = [
    '',
    '*',
    '>',
    'a*',
    'a>',
    'a b',
    'a\tb',
    'a\r\nPUB x 0\r\n',
    'a\u0000',
    'ä',
    'a..b',
    '.a',
    'a.',
  ];

  test.each(bad)('%j', (text) => {
    expect(() => subjects.tasks(text, 'echo', 'e')).toThrow('cannot stand in a subject');
    expect(() => subjects.tasks('default', text, 'e')).toThrow('cannot stand in a subject');
    expect(() => subjects.tasks('default', 'echo', text)).toThrow('cannot stand in a subject');
    expect(() => subjects.events('default', text)).toThrow('cannot stand in a subject');
    expect(() => createSubjects(text)).toThrow('subject prefix');
  });

  test('an executor id and a run id are one token', () => {
    expect(() => subjects.tasks('default', 'echo', 'a.b')).toThrow('cannot stand');
    expect(() => subjects.events('default', 'a.b')).toThrow('cannot stand');
  });

  test('whatever the text, a subject that is built has only plain tokens', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (capability, executor) => {
        let subject: string;
        try {
          subject = subjects.tasks('default', capability, executor);
        } catch {
          return;
        }
        expect(subject).toMatch(/^tutti\.v1\.default\.tasks(\.[A-Za-z0-9_-]+){2,}$/);
      }),
    );
  });
});
