// How is a final run brought back to its engine, to be done again?
//
// The engine knows no final runs. So it is asked first: once it answers that it has no such run, all that it
// ever decided about the run is durable. Then the run is read back from the store, replayed and handed in.
// Nobody else may change it in between: guard.alone().

import type { ExpressionCompiler } from '../domain/expression.ts';
import { type Refusal, reject } from '../domain/rejection.ts';
import type { SchemaChecker } from '../domain/schema.ts';
import type { EngineCalls, RerunRun } from '../engine/inputs.ts';
import type { Store } from '../store/port.ts';
import { loadRun } from './load.ts';
import type { NamespaceDriver } from './namespace-driver.ts';
import type { RepeatGuard } from './repeat-guard.ts';

export interface Reruns {
  rerunRun(driver: NamespaceDriver, input: RerunRun): Promise<EngineCalls['RerunRun']['reply']>;
}

export interface RerunDependencies {
  readonly store: Pick<Store, 'getRun' | 'loadRun'>;
  readonly guard: Pick<RepeatGuard, 'once' | 'alone'>;
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
}

export function createReruns({ store, guard, expressions, schemas }: RerunDependencies): Reruns {
  async function rerun(driver: NamespaceDriver, input: RerunRun): Promise<EngineCalls['RerunRun']['reply']> {
    const active = await driver.call('RerunRun', { ...input, run: undefined });
    if (active.ok || active.rejection.code !== 'RUN_NOT_FOUND') return active;
    const row = await store.getRun(driver.namespace, input.runId);
    if (row === undefined) return active;
    if (row.archived) return archived(input.runId);
    const run = await loadRun(store, driver.namespace, input.runId, expressions, schemas);
    return run === undefined ? active : driver.call('RerunRun', { ...input, run });
  }

  return {
    rerunRun: (driver, input) =>
      guard.once(driver, input.request, () =>
        guard.alone(driver.namespace, input.runId, () => rerun(driver, input)),
      ),
  };
}

function archived(runId: string): Refusal {
  const message = `run "${runId}" is archived: nothing changes it; unarchive it first, or copy it`;
  return reject('ARCHIVED', message, { run_id: runId }, 'run_id');
}
