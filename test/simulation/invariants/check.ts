// What each promise's check is made of, and what all of them may look at.

import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import type { Calls } from './calls.ts';
import type { Executors } from './executors.ts';
import type { Fact } from './fact.ts';
import type { Ledger, NamespaceModel, RunModel, TaskModel } from './ledger.ts';
import type { Observation } from './observation.ts';
import type { Processes } from './processes.ts';
import { type InvariantId, Violation } from './violation.ts';

/** Everything that was seen so far, in order. Read only. */
export interface Seen {
  readonly ledger: Ledger;
  readonly processes: Processes;
  readonly calls: Calls;
  readonly executors: Executors;
}

/** An event and what it is about, as that stands. */
export interface Place {
  readonly fact: Fact;
  readonly namespace: NamespaceModel;
  /** Undefined before the event that begins it. */
  readonly run: RunModel | undefined;
  /** Undefined where the event is about the run. */
  readonly task: TaskModel | undefined;
}

/** Each throws a Violation for what does not hold. */
export interface Check {
  /** An event has become durable; the ledger stands as before it. */
  before?(place: Place): void;
  /** The ledger has taken the event in. */
  after?(place: Place): void;
  /** Everything that happens; a commit once the ledger has taken all of it in. */
  see?(observation: Observation): void;
  atRest?(store: Store, atMs: number): Promise<void>;
}

export type CreateCheck = (seen: Seen) => Check;

/** @param what is asked only for what does not hold */
export function hold(invariant: InvariantId, holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(invariant, what());
}
