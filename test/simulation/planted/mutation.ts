// What is a planted bug? One small change of the code as shipped, and the promise that it breaks.

export interface Mutation {
  /** In kebab-case, said as what goes wrong. */
  readonly name: string;
  /** Of DESIGN section 2. */
  readonly promise: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  /** In one sentence: what then happens that must not. */
  readonly breaks: string;
  /** Below services/orchestrator/src. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly source: string;
  readonly replacement: string;
}
