// How much may a task cost? The figures of the day they were written, for one task, and how much more is too much.
//
// They are exact but for the last digit or two: the same on every machine with the project's Node. Another version of
// Node, or of a library, may move `steps` and `allocatedBytes`. A change that makes a task dearer for a good reason
// raises its figure here, and says the reason in the commit.

export interface Counts {
  /** Functions and branches entered, of the orchestrator and its libraries, without optimization. */
  readonly steps: number;
  readonly allocatedBytes: number;
  readonly events: number;
  readonly eventBytes: number;
  /** Each is one fsync. */
  readonly commits: number;
  /** Of SQL, run by the writer: rows, or nearly. */
  readonly statements: number;
  /** Of NATS, sent by the orchestrator: assignments, answers, events. */
  readonly messages: number;
  readonly messageBytes: number;
}

/** A run of 1,000 tasks; 10 runs of 100; runs of one task; 100 and 300 one after the other; one to 300 to one. */
export type Shape = 'large' | 'small' | 'single' | 'chain' | 'longChain' | 'fan';
export type Figures = Readonly<Partial<Record<Shape, Counts>>>;

const FIGURES: Readonly<Record<Shape, Counts>> = {
  large: {
    steps: 2_072,
    allocatedBytes: 30_982,
    events: 2.002,
    eventBytes: 72.839,
    commits: 0.009,
    statements: 5.03,
    messages: 0.041,
    messageBytes: 201.797,
  },
  small: {
    steps: 2_073,
    allocatedBytes: 31_330,
    events: 2.02,
    eventBytes: 71.38,
    commits: 0.009,
    statements: 5.083,
    messages: 0.067,
    messageBytes: 199.384,
  },
  single: {
    steps: 3_306,
    allocatedBytes: 69_263,
    events: 4,
    eventBytes: 127,
    commits: 0.015,
    statements: 10.39,
    messages: 2.4,
    messageBytes: 258.08,
  },
  chain: {
    steps: 3_349,
    allocatedBytes: 73_437,
    events: 3.01,
    eventBytes: 101.99,
    commits: 1.01,
    statements: 9.05,
    messages: 3.01,
    messageBytes: 247.69,
  },
  longChain: {
    steps: 3_352,
    allocatedBytes: 72_946,
    events: 3.003,
    eventBytes: 104,
    commits: 1.003,
    statements: 9.017,
    messages: 3.003,
    messageBytes: 251.23,
  },
  fan: {
    steps: 3_228,
    allocatedBytes: 44_384,
    events: 3.003,
    eventBytes: 104,
    commits: 0.02,
    statements: 6.636,
    messages: 0.073,
    messageBytes: 260.219,
  },
};

/** Of each figure. */
const TOLERANCE = 1.04;
/** What is so much below its figure could become dearer again by as much, unseen. */
const OUTDATED = 0.9;
/** A task of a large run against one of a small run: whatever rises here would be quadratic. */
const LARGE_TO_SMALL = 1.04;
const PAIRS: readonly (readonly [Shape, Shape])[] = [
  ['large', 'small'],
  ['longChain', 'chain'],
];

/** What is too much of the shapes that were counted, or far below its figure, for people; empty where all is well. */
export function complaints(found: Figures): readonly string[] {
  return [...rising(found), ...dear(found)];
}

function dear(found: Figures): string[] {
  return (Object.entries(found) as [Shape, Counts][]).flatMap(([shape, counts]) =>
    (Object.entries(counts) as [keyof Counts, number][]).flatMap(([name, now]) => {
      const figure = FIGURES[shape][name];
      if (now < figure * OUTDATED)
        return [`${shape}: ${name} of a task are only ${now}: lower the figure, ${figure}, in limits.ts`];
      if (now <= figure * TOLERANCE) return [];
      const percent = ((100 * now) / figure - 100).toFixed(0);
      return [`${shape}: ${name} of a task are ${now}, ${percent} % above ${figure}`];
    }),
  );
}

function rising(found: Figures): string[] {
  return PAIRS.flatMap(([large, small]) => {
    const [most, least] = [found[large], found[small]];
    if (most === undefined || least === undefined) return [];
    return (['steps', 'allocatedBytes'] as const).flatMap((name) => {
      const ratio = most[name] / least[name];
      if (ratio <= LARGE_TO_SMALL) return [];
      return [
        `${large} against ${small}: ${name} of a task are ${ratio.toFixed(2)} times as many: quadratic?`,
      ];
    });
  });
}
