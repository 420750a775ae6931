// What is left of the budget of the evaluation under way?
//
// Invariant: once exhausted, the evaluation fails. CEL lets `||`, `&&` and `exists` absorb errors, and
// the library turns what a function throws into such an error. Hence the verdict is not the exception but
// `exceeded`, which stays, and every later charge throws again.

import type { ExpressionLimits } from './limits.ts';

/** Only to leave the evaluation early. */
export class BudgetExceeded extends Error {}

export interface Budget {
  /** Starts an evaluation: nothing is used yet. */
  begin(): void;
  charge(steps: number): void;
  /** Values of this many characters come into being; 64 of them are a step, too. */
  produce(characters: number): void;
  /** Throws if a charge before did, wherever that was caught. */
  ensure(): void;
  readonly steps: number;
  readonly produced: number;
  /** Which limit was exceeded, for people. */
  readonly exceeded: string | undefined;
}

export function createBudget(limits: ExpressionLimits): Budget {
  let steps = 0;
  let produced = 0;
  let exceeded: string | undefined;

  function fail(cause: string): never {
    exceeded ??= cause;
    throw new BudgetExceeded(exceeded);
  }

  function ensure(): void {
    if (exceeded !== undefined) throw new BudgetExceeded(exceeded);
  }

  function charge(count: number): void {
    ensure();
    // Charges come before the work, so what does not fit is not done, and does not count as done.
    if (steps + count > limits.maxSteps) {
      fail(`the expression takes more than ${limits.maxSteps} steps; let it visit fewer items`);
    }
    steps += count;
  }

  return {
    begin() {
      steps = 0;
      produced = 0;
      exceeded = undefined;
    },
    charge,
    produce(characters) {
      ensure();
      if (produced + characters > limits.maxProducedCharacters) {
        fail(
          `the expression produces more than ${limits.maxProducedCharacters} characters; let it build less`,
        );
      }
      charge(characters / 64);
      produced += characters;
    },
    ensure,
    get steps() {
      return steps;
    },
    get produced() {
      return produced;
    },
    get exceeded() {
      return exceeded;
    },
  };
}
