// What one contestant did in one part of one round, and what it cost.

export interface Part {
  readonly name: string;
  /** What it is about; the other figures are context. */
  readonly headline: Headline;
  readonly seconds: number;
  readonly runs: number;
  readonly tasks: number;
  /** From submission to the start of the handler, and to the known end; absent where nobody looked. */
  readonly startedMs?: Percentiles;
  readonly completedMs?: Percentiles;
  /** By role. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** By role, the processes of one added up; the most that was resident during the part. */
  readonly peakMegabytes: Readonly<Record<string, number>>;
}

/** Of the first two more is better, of `completedMs` less: the median, with p99 and p99.9 beside it. */
export type Headline = 'tasksPerSecond' | 'runsPerSecond' | 'completedMs';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}
