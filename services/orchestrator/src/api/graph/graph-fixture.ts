// Graphs for the tests of this folder.

import fc from 'fast-check';
import { plainTask } from '../../domain/plain-task.ts';
import { DEFAULT_JOIN, PLAIN_EDGE, type TaskSpec } from '../../domain/spec.ts';
import { createRunGraph, type GraphRun, type RunGraph, type TaskStanding } from './graph.ts';
import { CONDITIONS, STATE_LOOKS } from './look.ts';

export function standing(
  key: string,
  spec: Partial<TaskSpec> = {},
  now: Partial<Omit<TaskStanding, 'spec'>> = {},
): TaskStanding {
  return {
    spec: plainTask(key, 'echo', spec),
    state: 'WAITING',
    reason: 'NONE',
    attemptCount: 0,
    ...now,
  };
}

export const RUN: GraphRun = {
  namespace: 'default',
  runId: 'r-1',
  name: 'nightly',
  state: 'RUNNING',
  reason: 'NONE',
};

/** Of everything something: a box in a box, each kind of edge and join, several states. */
export function sampleTasks(): readonly TaskStanding[] {
  return [
    standing('import', { capability: 'db.import' }, { state: 'COMPLETED', attemptCount: 1 }),
    standing(
      'import/rows',
      { parent: 'import' },
      { state: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED', attemptCount: 3 },
    ),
    standing('import/rows/a', { parent: 'import/rows', allowFailure: true }, { state: 'READY' }),
    standing(
      'alarm',
      { dependencies: [{ key: 'import/rows', condition: 'FAILURE', ...PLAIN_EDGE }] },
      { state: 'RUNNING' },
    ),
    standing(
      'report',
      {
        dependencies: [
          { key: 'import', condition: 'SUCCESS', ...PLAIN_EDGE },
          { key: 'alarm', condition: 'FINISHED', ...PLAIN_EDGE },
          { key: 'import', condition: 'SUCCESS', ...PLAIN_EDGE },
        ],
        join: { mode: 'ANY' },
      },
      { state: 'COMPLETED', attemptCount: 1 },
    ),
  ];
}

/** A key may look like a word of the languages, or like the ids that the drawings make. */
const suspicious = [
  'end',
  'subgraph',
  'n0',
  'g0',
  'graph',
  'node',
  'strict',
  '_',
  'a:::b',
  'a--b',
  '1.',
  'x//',
];

const keyText = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,30}$/),
  fc.constantFrom(...suspicious),
);

/** What is free text: a run's name. */
export const nameText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '"]; end',
    'a\\',
    '\\"',
    '\n---\n',
    '%%{init: {"theme":"dark"}}%%',
    '<script>alert(1)</script>',
    '&quot;',
    '#quot;',
    '`**x**`',
    '" URL="javascript:alert(1)',
    '\r\n} digraph x {',
    '\0',
    '\u2028',
  ),
);

/** Any graph that could have been accepted: edges and parents lead back in a shuffled order. */
export const anyGraph: fc.Arbitrary<RunGraph> = fc
  .uniqueArray(keyText, { minLength: 1, maxLength: 30 })
  .chain((keys) =>
    fc.record({
      name: nameText,
      // Where each stands in a hidden order in which all edges lead forwards.
      hidden: fc.shuffledSubarray(keys, { minLength: keys.length }),
      tasks: fc.tuple(...keys.map((key) => anyTask(key))),
    }),
  )
  .map(({ name, hidden, tasks }) => {
    const placed = tasks.map((task) => place(task, hidden));
    return createRunGraph({ ...RUN, name }, placed);
  });

interface AnyTask {
  readonly task: TaskStanding;
  /** Chosen as shares of what stands before. */
  readonly upstreams: readonly { readonly share: number; readonly condition: (typeof CONDITIONS)[number] }[];
  readonly parentShare: number | null;
  readonly isAny: boolean;
}

const share = fc.nat({ max: 999 });

function anyTask(key: string): fc.Arbitrary<AnyTask> {
  return fc.record({
    task: fc
      .record({
        state: fc.constantFrom(...(Object.keys(STATE_LOOKS) as TaskStanding['state'][])),
        reason: fc.constantFrom<TaskStanding['reason'][]>('NONE', 'NO_EXECUTOR', 'UPSTREAM_FAILED'),
        attemptCount: fc.nat({ max: 5 }),
      })
      .map((now) => standing(key, {}, now)),
    upstreams: fc.array(fc.record({ share, condition: fc.constantFrom(...CONDITIONS) }), { maxLength: 4 }),
    parentShare: fc.option(share),
    isAny: fc.boolean(),
  });
}

function place({ task, upstreams, parentShare, isAny }: AnyTask, hidden: readonly string[]): TaskStanding {
  const before = hidden.slice(0, hidden.indexOf(task.spec.key));
  const pick = (part: number): string | undefined => before[Math.floor((part * before.length) / 1_000)];
  const dependencies = new Map<string, (typeof CONDITIONS)[number]>();
  for (const { share: part, condition } of upstreams) {
    const key = pick(part);
    if (key !== undefined) dependencies.set(key, condition);
  }
  const parent = (parentShare === null ? undefined : pick(parentShare)) ?? '';
  const join = isAny && dependencies.size > 0 ? ({ mode: 'ANY' } as const) : DEFAULT_JOIN;
  const named = [...dependencies].map(([key, condition]) => ({ key, condition, ...PLAIN_EDGE }));
  return { ...task, spec: { ...task.spec, dependencies: named, parent, join } };
}
