// How is a final run archived or deleted, and for how long is it kept?
//
// The store checks in the same transaction what a change asks for. Each is under the epoch of the namespace's
// owner, so that nobody else decides; and a run is changed by one caller at a time, so that it cannot be
// deleted while it is brought back to be done again.

import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import type { RequestKey } from '../engine/inputs.ts';
import { runNotFound } from '../engine/requests.ts';
import { type Store, StoreError } from '../store/port.ts';
import type { ExpiredRun, RunChange, RunChangeOutcome } from '../store/port-run-life.ts';
import type { NamespaceDriver } from './namespace-driver.ts';
import type { Clock } from './ports.ts';
import type { RepeatGuard } from './repeat-guard.ts';

export interface RunLife {
  change(namespace: string, input: ChangeRun): Promise<Result<true>>;
  setRetention(namespace: string, input: SetRetention): Promise<Result<true>>;
  /** Undefined: for ever. */
  getRetention(namespace: string): Promise<Result<number | undefined>>;
}

export interface ChangeRun {
  readonly runId: string;
  readonly action: 'DELETE' | 'ARCHIVE' | 'UNARCHIVE';
  readonly request: RequestKey | undefined;
}

export interface SetRetention {
  /** Undefined: for ever. */
  readonly retentionMs: number | undefined;
  readonly request: RequestKey | undefined;
}

export interface RunLifeDependencies {
  readonly store: Pick<Store, 'getRun' | 'changeRun' | 'setRetention' | 'getRetention' | 'findLinkingRuns'>;
  readonly clock: Clock;
  readonly guard: Pick<RepeatGuard, 'once' | 'alone'>;
  /** Where a namespace has set nothing; undefined: for ever. */
  readonly defaultRetentionMs: number | undefined;
  readonly warn: (message: string, error: unknown) => void;
}

/** Of one that deletes nothing. */
const FOR_EVER = 0;

/** The same as `RunLife`, for the driver of the namespace. Throws StoreError where a read fails. */
export function createRunLife(dependencies: RunLifeDependencies) {
  const { store, clock, guard, defaultRetentionMs, warn } = dependencies;

  function kept(request: RequestKey | undefined) {
    const answer = JSON.stringify(accept(true));
    return request === undefined ? [] : [{ ...request, atMs: clock.nowMs(), answer }];
  }

  async function durable<T>(namespace: string, write: () => Promise<T>): Promise<Result<T>> {
    try {
      return accept(await write());
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      warn(`a change of a run of namespace ${namespace} failed`, error);
      const message =
        'the commit failed; whether it took effect is unknown: repeat the call with the same request id';
      return reject('COMMIT_FAILED', message);
    }
  }

  async function changeRun(driver: NamespaceDriver, input: ChangeRun): Promise<Result<true>> {
    const { namespace } = driver;
    const { runId, action, request } = input;
    const row = await store.getRun(namespace, runId);
    if (row === undefined) return runNotFound(namespace, runId);
    const epoch = await driver.epoch();
    if (epoch === undefined) return notServing();
    const change: RunChange = {
      namespace,
      epoch,
      run: row.run,
      action: { type: action },
      requests: kept(request),
    };
    const outcome = await durable(namespace, () => store.changeRun(change));
    if (!outcome.ok) return outcome;
    if (outcome.value === 'DONE') return accept(true);
    const linking = outcome.value === 'LINKED' ? await store.findLinkingRuns(namespace, row.run, 1) : [];
    return refusal(namespace, runId, outcome.value, row.phase, linking[0] ?? '');
  }

  return {
    change: (driver: NamespaceDriver, input: ChangeRun) =>
      guard.once(driver, input.request, () =>
        guard.alone(driver.namespace, input.runId, () => changeRun(driver, input)),
      ),

    setRetention: (driver: NamespaceDriver, { retentionMs = FOR_EVER, request }: SetRetention) =>
      guard.once(driver, request, async (): Promise<Result<true>> => {
        const change = { namespace: driver.namespace, retentionMs, requests: kept(request) };
        const written = await durable(driver.namespace, () => store.setRetention(change));
        return written.ok ? accept(true) : written;
      }),

    async getRetention(driver: NamespaceDriver): Promise<Result<number | undefined>> {
      const retentionMs = (await store.getRetention(driver.namespace)) ?? defaultRetentionMs;
      return accept(retentionMs === FOR_EVER ? undefined : retentionMs);
    },

    /** Deletes a run whose time is over, if that is still so. True if it did. */
    async expire(
      driver: NamespaceDriver,
      { namespace, run, runId, endedBeforeMs }: ExpiredRun,
    ): Promise<boolean> {
      const epoch = await driver.epoch();
      if (epoch === undefined) return false;
      const action = { type: 'EXPIRE', endedBeforeMs } as const;
      const outcome = await guard.alone(namespace, runId, () =>
        store.changeRun({ namespace, epoch, run, action, requests: [] }),
      );
      return outcome === 'DONE';
    },
  };
}

function refusal(
  namespace: string,
  runId: string,
  outcome: Exclude<RunChangeOutcome, 'DONE'>,
  state: string,
  linkedBy: string,
): Refusal {
  switch (outcome) {
    case 'NOT_FOUND':
    case 'KEPT':
      return runNotFound(namespace, runId);
    case 'NOT_FINAL':
      return reject(
        'NOT_FINAL',
        `run "${runId}" is ${state}: wait for its end, or cancel it first`,
        { run_id: runId, state },
        'run_id',
      );
    case 'ARCHIVED':
      return reject(
        'ARCHIVED',
        `run "${runId}" is archived: nothing changes it; unarchive it first`,
        { run_id: runId },
        'run_id',
      );
    case 'LINKED':
      return reject(
        'LINKED',
        `tasks of run "${linkedBy}" take results of run "${runId}": delete that one first`,
        { run_id: runId, linked_by: linkedBy },
        'run_id',
      );
  }
}

function notServing(): Refusal {
  return reject('NOT_SERVING', 'the namespace is being loaded: try again in a moment');
}
