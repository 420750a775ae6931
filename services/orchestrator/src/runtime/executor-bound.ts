// How many executors may all namespaces of the process have together? Each engine bounds those of its own namespace;
// whoever can make up names of executors can make up names of namespaces.
//
// Derived from what the engines know, not counted beside them: an engine may be dropped at any moment.

import { reject } from '../domain/rejection.ts';
import { type Census, entriesOf, isHeavy } from '../engine/census.ts';
import type { EngineCalls, RegisterExecutor } from '../engine/inputs.ts';
import { type NamespaceDriver, notLoaded } from './namespace-driver.ts';
import type { Refused } from './namespaces.ts';

export interface ExecutorLimits {
  /** Registrations of further ones are refused with LIMIT_REACHED; who is there may register again. */
  readonly maxExecutors: number;
  /** The same for the capabilities and labels of all that have more than a few. */
  readonly maxExecutorEntries: number;
}

export const DEFAULT_EXECUTOR_LIMITS: ExecutorLimits = {
  maxExecutors: 20_000,
  maxExecutorEntries: 400_000,
};

type Registered = Promise<EngineCalls['RegisterExecutor']['reply']>;

/** @param censuses of all engines that are loaded */
export function createExecutorBound(limits: ExecutorLimits, censuses: () => readonly Census[]) {
  function register(driver: NamespaceDriver, input: RegisterExecutor): Registered {
    const own = driver.census();
    if (own === undefined) return registerOnceLoaded(driver, input);
    // From here to the engine's step nothing else comes in between.
    const refused = refuse(own, input);
    return refused === undefined ? driver.call('RegisterExecutor', input) : Promise.resolve(refused);
  }

  async function registerOnceLoaded(driver: NamespaceDriver, input: RegisterExecutor): Registered {
    if (!(await driver.loaded())) return { ok: false, rejection: notLoaded(driver.namespace) };
    return register(driver, input);
  }

  function refuse(own: Census, input: RegisterExecutor): Refused | undefined {
    const { maxExecutors, maxExecutorEntries } = limits;
    const { executorId } = input;
    if (!own.has(executorId) && sum((census) => census.count()) >= maxExecutors) {
      return tooMany(`${maxExecutors} executors`, 'process_executors', maxExecutors);
    }
    const entries = entriesOf(input);
    if (!isHeavy(entries)) return undefined;
    const others = sum((census) => census.heavyEntries(census === own ? executorId : ''));
    if (others + entries <= maxExecutorEntries) return undefined;
    const what = `${maxExecutorEntries} capabilities and labels of executors`;
    return tooMany(what, 'process_executor_entries', maxExecutorEntries);
  }

  function sum(of: (census: Census) => number): number {
    let total = 0;
    for (const census of censuses()) total += of(census);
    return total;
  }

  return { register };
}

function tooMany(what: string, resource: string, limit: number): Refused {
  const message = `the orchestrator has ${what} already, over all namespaces: stop some, or run another orchestrator for a part of the namespaces`;
  return reject('LIMIT_REACHED', message, { resource, limit: String(limit) });
}
