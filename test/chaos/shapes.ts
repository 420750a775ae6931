// What is submitted? Runs of every kind of construct, each with what it has to come to.

import type { RunInput, TaskInput } from '@tutti/client/client';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { Random } from '../simulation/world/random.ts';
import { listRealInputs, readRealInput } from '../support/real-inputs.ts';
import type { ExpectedEnd } from './notes.ts';

/** What somebody has to do besides waiting; without it the run would never end. */
export type Attention = 'none' | 'signal' | 'cancel' | 'pause';

export interface Shape {
  readonly spec: RunInput | RunSpec;
  readonly end: ExpectedEnd;
  /** What the run comes to; undefined where it has no output. With a signal: what that brings. */
  readonly output: unknown;
  readonly attention: Attention;
}

type Draw = (random: Random) => Shape;

/** Executors are lost again and again here, and a task is not to blame for that. */
const RETRY = { maxLostAttempts: 1_000 };

function add(key: string, ms: number, after: readonly string[] = [], priority = 2): TaskInput {
  return { key, capability: 'add', input: { ms }, after: [...after], priority, retry: RETRY };
}

function plain(tasks: readonly TaskInput[], output: unknown, outputTask: string): Shape {
  return { spec: { tasks, outputTask }, end: 'COMPLETED', output, attention: 'none' };
}

/** `first` comes before each; each comes before the next. The last comes to how many there are. */
function chainTasks(length: number, random: Random): TaskInput[] {
  return Array.from({ length }, (_, index) =>
    add(`step-${index + 1}`, random.between(1, 20), index === 0 ? [] : [`step-${index}`]),
  );
}

const single: Draw = (random) => plain([add('only', random.between(0, 40), [], random.below(4))], 1, 'only');

const chain: Draw = (random) => {
  const length = random.between(3, 10);
  return plain(chainTasks(length, random), length, `step-${length}`);
};

/** Shaped like a mosaic of images: many, pairs of neighbours, one for all, many, one. */
const mosaic: Draw = (random) => {
  const width = random.between(4, 10);
  const ms = () => random.between(1, 60);
  const places = Array.from({ length: width }, (_, index) => index);
  const tasks = [
    ...places.map((at) => add(`project-${at}`, ms())),
    ...places.slice(1).map((at) => add(`differ-${at}`, ms(), [`project-${at - 1}`, `project-${at}`])),
    add(
      'fit',
      ms(),
      places.slice(1).map((at) => `differ-${at}`),
    ),
    ...places.map((at) => add(`correct-${at}`, ms(), ['fit', `project-${at}`])),
    add(
      'join',
      ms(),
      places.map((at) => `correct-${at}`),
    ),
  ];
  const fit = 1 + 3 * (width - 1);
  return plain(tasks, 1 + width * (fit + 2), 'join');
};

const foreach: Draw = (random) => {
  const items = Array.from({ length: random.between(5, 25) }, () => random.below(1_000));
  const each = { items, maxParallel: random.between(1, 6) };
  const task = { key: 'each', capability: 'double', foreach: each, retry: RETRY };
  return plain(
    [task],
    items.map((item) => 2 * item),
    'each',
  );
};

const retry: Draw = (random) => {
  const failures = random.between(1, 3);
  const policy = { ...RETRY, maxAttempts: failures + 1, initialDelay: 50, maxDelay: 200 };
  const tasks: TaskInput[] = [
    { key: 'fickle', capability: 'flaky', input: { ms: 5, failures }, retry: policy },
    // The attempts are not enough, so the fallback does it.
    {
      key: 'hopeless',
      capability: 'flaky',
      input: { ms: 5, failures: 1_000 },
      retry: { ...RETRY, maxAttempts: 2, initialDelay: 20 },
      fallback: 'add',
    },
    add('sum', 5, ['fickle', 'hopeless']),
  ];
  return plain(tasks, 3, 'sum');
};

const signal: Draw = (random) => {
  const tasks: TaskInput[] = [
    add('before', random.between(1, 300)),
    { key: 'wait', signal: 'go', after: ['before'] },
    add('after', 5, ['wait']),
  ];
  return { ...plain(tasks, undefined, 'wait'), attention: 'signal' };
};

const timer: Draw = (random) =>
  plain(
    [
      add('before', 10),
      { key: 'pause', timer: random.between(50, 1_500), after: ['before'] },
      add('after', 10, ['before', 'pause']),
    ],
    2,
    'after',
  );

const cancel: Draw = (random) => ({
  spec: {
    tasks: [
      { ...add('long', 120_000), cancelGrace: random.between(500, 2_000) },
      { ...add('longer', 120_000), cancelGrace: 1_000 },
      add('never', 5, ['long']),
    ],
  },
  end: 'CANCELLED',
  output: undefined,
  attention: 'cancel',
});

const pause: Draw = (random) => ({ ...chain(random), attention: 'pause' });

const child: Draw = (random) => {
  const length = random.between(2, 5);
  const tasks = chainTasks(length, random);
  return {
    spec: {
      tasks: [
        add('before', 5),
        { key: 'child', childRun: 'chain', after: ['before'] },
        add('sum', 5, ['child']),
      ],
      childSpecs: { chain: { tasks, outputTask: `step-${length}` } },
      outputTask: 'sum',
    },
    end: 'COMPLETED',
    output: length + 1,
    attention: 'none',
  };
};

const repeat: Draw = (random) => {
  const until = random.between(2, 6);
  const task: TaskInput = {
    key: 'grow',
    capability: 'increment',
    input: 0,
    repeat: { until: `result >= ${until}`, delay: random.below(100) },
    retry: RETRY,
  };
  return plain([task], until, 'grow');
};

const sendBack: Draw = (random) => {
  const rounds = random.between(2, 4);
  const tasks: TaskInput[] = [
    { key: 'draft', capability: 'increment', inputExpression: 'iteration', retry: RETRY },
    add('edit', 5, ['draft']),
    {
      key: 'review',
      expression: 'results.draft',
      after: ['draft', 'edit'],
      sendBack: { to: 'draft', when: `result <= ${rounds}`, maxIterations: 8 },
    },
  ];
  return plain(tasks, rounds + 1, 'review');
};

/** What an executor that is lost takes with it. */
const long: Draw = (random) => {
  const keys = Array.from({ length: random.between(2, 5) }, (_, index) => `long-${index + 1}`);
  const tasks = keys.map((key) => add(key, random.between(500, 3_000)));
  return plain([...tasks, add('sum', 5, keys)], 1 + keys.length, 'sum');
};

const large: Draw = (random) => {
  const characters = random.between(200_000, 600_000);
  const tasks: TaskInput[] = [
    { key: 'make', capability: 'large', input: { characters }, retry: { ...RETRY, maxAttempts: 5 } },
    { key: 'measure', capability: 'measure', after: ['make'], retry: { ...RETRY, maxAttempts: 5 } },
  ];
  return plain(tasks, characters, 'measure');
};

/** Recorded workflows that are small enough to be one of many. */
const RECORDED = listRealInputs().filter((name) => /^(srasearch|blast|soykb|rnaseq)/.test(name));

const recorded: Draw = (random) => ({
  spec: readRealInput(random.pick(RECORDED), 2, 24),
  end: 'COMPLETED',
  output: undefined,
  attention: 'none',
});

const DRAWS: Readonly<Record<string, { readonly weight: number; readonly draw: Draw }>> = {
  single: { weight: 6, draw: single },
  chain: { weight: 6, draw: chain },
  mosaic: { weight: 3, draw: mosaic },
  foreach: { weight: 3, draw: foreach },
  retry: { weight: 3, draw: retry },
  signal: { weight: 3, draw: signal },
  timer: { weight: 3, draw: timer },
  cancel: { weight: 3, draw: cancel },
  pause: { weight: 3, draw: pause },
  child: { weight: 3, draw: child },
  repeat: { weight: 3, draw: repeat },
  sendBack: { weight: 3, draw: sendBack },
  long: { weight: 6, draw: long },
  large: { weight: 1, draw: large },
  ...(RECORDED.length === 0 ? {} : { recorded: { weight: 1, draw: recorded } }),
};

export const KINDS: readonly string[] = Object.keys(DRAWS);
const BAG: readonly string[] = Object.entries(DRAWS).flatMap(([kind, { weight }]) =>
  Array(weight).fill(kind),
);

export function drawKind(random: Random): string {
  return random.pick(BAG);
}

export function drawShape(kind: string, random: Random): Shape {
  const entry = DRAWS[kind];
  if (entry === undefined) throw new Error(`no shape is called ${kind}: ${KINDS.join(', ')}`);
  return entry.draw(random);
}
