// A promise that does not hold.

/**
 * `P` and the number of the promise in DESIGN section 2, then which of the things that it comes to. `D`: a
 * defect shows by itself, such as an exception that nobody expected.
 */
export type InvariantId = `P${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}.${number}` | `D.${number}`;

export class Violation extends Error {
  readonly invariant: InvariantId;
  constructor(invariant: InvariantId, message: string) {
    super(`${invariant}: ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}
