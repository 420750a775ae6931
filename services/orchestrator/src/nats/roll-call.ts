// How do executors hear that the orchestrator was started anew, and knows none of their sessions?
//
// Without it they would find out by the next heartbeat, or once a request that the earlier process did not
// answer any more has had its time: both may take a third of a lease. Best effort: both still do.

import type { NatsLink } from './connection.ts';
import type { Subjects } from './subjects.ts';

export interface RollCall {
  /** A namespace was loaded. */
  loaded(namespace: string): void;
  /** Executors are listened to from now on: those of the namespaces loaded so far are called, too. */
  begin(): void;
}

const EMPTY = new Uint8Array();

export function createRollCall(link: NatsLink, subjects: Subjects): RollCall {
  // Bounded by the namespaces that there may be.
  let early: Set<string> | undefined = new Set();
  const call = (namespace: string) => {
    // Whoever reconnects looks around by himself.
    if (link.connected()) link.publish(subjects.rollCall(namespace), EMPTY);
  };
  return {
    loaded(namespace) {
      if (early === undefined) call(namespace);
      else early.add(namespace);
    },
    begin() {
      const namespaces = early ?? [];
      early = undefined;
      for (const namespace of namespaces) call(namespace);
    },
  };
}
