// Which namespaces have a driver? Each from its first use on; idle ones make room for others. Bounds how
// many there are, and how much each is asked at once.

import { type Rejection, reject } from '../domain/rejection.ts';
import type { NamespaceDriver } from './namespace-driver.ts';

export interface Namespaces {
  /**
   * Does work with a namespace's driver, which is not stopped to make room meanwhile. Refused with
   * LIMIT_REACHED where there are too many namespaces, or too many clients wait in this one. What
   * executors say always comes in: it is what ends the waiting, and its own door bounds it.
   */
  use<R>(
    namespace: string,
    work: (driver: NamespaceDriver) => Promise<R>,
    by: 'CLIENT' | 'EXECUTOR',
  ): Promise<R | Refused>;
  /** Makes the drivers of namespaces that have to be there, however many; each has tried to load then. */
  load(names: readonly string[]): Promise<void>;
  /** Undefined where there is none: looking makes none. */
  driver(namespace: string): NamespaceDriver | undefined;
  drivers(): readonly NamespaceDriver[];
}

export interface Refused {
  readonly ok: false;
  readonly rejection: Rejection;
}

export interface NamespacesOptions {
  readonly createDriver: (namespace: string) => NamespaceDriver;
  readonly maxNamespaces: number;
  /** Of clients, in each. */
  readonly maxPendingCalls: number;
}

interface Entry {
  readonly driver: NamespaceDriver;
  /** Pieces of work under way. */
  uses: number;
  /** Those of them that are for clients. */
  clients: number;
}

/** The store has one reader: more at once would only hold more in memory. */
const LOADS_AT_ONCE = 4;

export function createNamespaces(options: NamespacesOptions): Namespaces {
  const { createDriver, maxNamespaces, maxPendingCalls } = options;
  const entries = new Map<string, Entry>();

  function add(namespace: string): Entry {
    const entry = { driver: createDriver(namespace), uses: 0, clients: 0 };
    entries.set(namespace, entry);
    return entry;
  }

  /** Names that were used once, or made up, must not lock others out. */
  function makeRoom(): boolean {
    if (entries.size < maxNamespaces) return true;
    for (const [namespace, { driver, uses }] of entries) {
      if (uses > 0 || !driver.idle()) continue;
      entries.delete(namespace);
      void driver.stop();
      return true;
    }
    return false;
  }

  return {
    async use(namespace, work, by) {
      let entry = entries.get(namespace);
      if (entry === undefined) {
        if (!makeRoom()) return tooMany('namespaces', maxNamespaces);
        entry = add(namespace);
      }
      const counts = by === 'CLIENT' ? 1 : 0;
      if (counts > 0 && entry.clients >= maxPendingCalls) return tooManyCalls(maxPendingCalls);
      entry.uses += 1;
      entry.clients += counts;
      try {
        return await work(entry.driver);
      } finally {
        entry.uses -= 1;
        entry.clients -= counts;
      }
    },
    async load(names) {
      const queue = names.values();
      const loadInTurn = async (): Promise<void> => {
        for (const name of queue) await (entries.get(name) ?? add(name)).driver.attempted;
      };
      await Promise.all(Array.from({ length: LOADS_AT_ONCE }, loadInTurn));
    },
    driver: (namespace) => entries.get(namespace)?.driver,
    drivers: () => [...entries.values()].map(({ driver }) => driver),
  };
}

export function tooMany(resource: string, limit: number): Refused {
  const message = `the orchestrator serves ${limit} ${resource} already: try again later`;
  return reject('LIMIT_REACHED', message, { resource, limit: String(limit) });
}

/** StoreError FULL. */
export function storeIsFull(): Refused {
  const message = 'as much waits for the store as may: try again in a moment';
  return reject('LIMIT_REACHED', message, { resource: 'store_reads' });
}

function tooManyCalls(limit: number): Refused {
  const message = `${limit} calls are waiting for the disk already: try again later`;
  return reject('LIMIT_REACHED', message, { resource: 'pending_calls', limit: String(limit) });
}
