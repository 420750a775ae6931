// Holds a simulated cluster to the eight promises (DESIGN section 2), by what is seen of it alone.

import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import type { Observation } from './observation.ts';

export interface Witness {
  /** Throws a Violation for the first promise that does not hold any more. */
  see(observation: Observation): void;
  /**
   * What has to hold once all faults are over, everybody does what they should, and nothing goes on any more.
   * `runIds`: by namespace, of runs whose submission was acknowledged to its client.
   */
  atRest(store: Store, atMs: number): Promise<void>;
}

export function createWitness(): Witness {
  return { see() {}, async atRest() {} };
}
