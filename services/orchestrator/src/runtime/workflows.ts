// Which version does a template get, and when is it kept at all?
//
//  F1  Changes of one namespace are decided one after the other: each sees what the one before has left.
//  F2  A change and the answer that repeats of its request get are durable together.

import { accept, type Refusal, type Result, reject } from '../domain/rejection.ts';
import type { RequestKey } from '../engine/inputs.ts';
import { type Store, StoreError, type WorkflowChange, type WorkflowCounts } from '../store/port.ts';
import type { NamespaceDriver } from './namespace-driver.ts';
import type { PlacedRef } from './payload-references.ts';
import type { CheckedPayloads } from './payloads.ts';
import type { Clock } from './ports.ts';
import { createTurns, type RepeatGuard } from './repeat-guard.ts';

export interface Workflows {
  put(namespace: string, input: PutWorkflow): Promise<Result<KeptWorkflow>>;
  remove(namespace: string, input: RemoveWorkflow): Promise<Result<RemovedWorkflow>>;
}

export interface PutWorkflow {
  readonly name: string;
  readonly description: string;
  /** Equal for equal templates. */
  readonly digest: string;
  /** The binary form of tutti.v1.WorkflowTemplate. */
  readonly template: Uint8Array;
  /** The stored payloads in it. */
  readonly references: readonly PlacedRef[];
  readonly request: RequestKey | undefined;
}

export interface KeptWorkflow {
  readonly version: number;
  /** True if it was the latest version before. */
  readonly existed: boolean;
}

export interface RemoveWorkflow {
  readonly name: string;
  /** Undefined: all there are. */
  readonly version: number | undefined;
  readonly request: RequestKey | undefined;
}

export interface RemovedWorkflow {
  readonly deletedCount: number;
}

export const MAX_WORKFLOWS = 1_000;
/** Of each. */
export const MAX_WORKFLOW_VERSIONS = 1_000;

export interface WorkflowsDependencies {
  readonly store: Pick<Store, 'getWorkflow' | 'countWorkflows' | 'changeWorkflows'>;
  readonly clock: Clock;
  readonly guard: Pick<RepeatGuard, 'once'>;
  readonly checkPayloads: CheckedPayloads['check'];
  readonly warn: (message: string, error: unknown) => void;
}

type Change = Pick<WorkflowChange, 'add' | 'remove' | 'references'>;

const NOTHING: Change = { add: undefined, remove: undefined, references: [] };

/** The same as `Workflows`, for the driver of the namespace. Throws StoreError where a read fails. */
export function createWorkflows(dependencies: WorkflowsDependencies) {
  const { store, clock, guard, checkPayloads, warn } = dependencies;
  const inTurn = createTurns();

  /** F2. */
  async function commit<T>(
    namespace: string,
    change: Change | undefined,
    request: RequestKey | undefined,
    answer: T,
  ): Promise<Result<T>> {
    const reply = accept(answer);
    if (change === undefined && request === undefined) return reply;
    const requests =
      request === undefined ? [] : [{ ...request, atMs: clock.nowMs(), answer: JSON.stringify(reply) }];
    try {
      await store.changeWorkflows({ namespace, ...NOTHING, ...change, requests });
      return reply;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      warn(`a change of the workflows of namespace ${namespace} failed`, error);
      return unknownOutcome();
    }
  }

  async function put(namespace: string, input: PutWorkflow): Promise<Result<KeptWorkflow>> {
    const { request, references, ...template } = input;
    const latest = await store.getWorkflow(namespace, input.name);
    if (latest?.digest === input.digest) {
      return commit(namespace, undefined, request, { version: latest.version, existed: true });
    }
    const counts = await store.countWorkflows(namespace, input.name);
    const refused = refuseTooMany(input.name, counts);
    if (refused !== undefined) return refused;
    const version = counts.lastVersion + 1;
    const add = { ...template, version, createdAtMs: clock.nowMs() };
    const missing = references.length === 0 ? undefined : await checkPayloads(namespace, references);
    if (missing !== undefined) return { ok: false, rejection: missing };
    const sha256s = references.map(({ ref }) => ref.sha256);
    const change = { add, remove: undefined, references: sha256s };
    return commit(namespace, change, request, { version, existed: false });
  }

  async function remove(namespace: string, input: RemoveWorkflow): Promise<Result<RemovedWorkflow>> {
    const { name, version, request } = input;
    if ((await store.getWorkflow(namespace, name, version)) === undefined) {
      return workflowNotFound(namespace, name, version);
    }
    const { versions } = await store.countWorkflows(namespace, name);
    const deletedCount = version === undefined ? versions : 1;
    return commit(namespace, { ...NOTHING, remove: { name, version } }, request, { deletedCount });
  }

  /** F1. */
  function decide<R>(
    driver: NamespaceDriver,
    request: RequestKey | undefined,
    decision: () => Promise<R>,
  ): Promise<R> {
    return guard.once(driver, request, () => inTurn(driver.namespace, decision));
  }

  return {
    put: (driver: NamespaceDriver, input: PutWorkflow) =>
      decide(driver, input.request, () => put(driver.namespace, input)),
    remove: (driver: NamespaceDriver, input: RemoveWorkflow) =>
      decide(driver, input.request, () => remove(driver.namespace, input)),
  };
}

export function workflowNotFound(namespace: string, name: string, version: number | undefined): Refusal {
  const what = version === undefined ? name : `${name}@${version}`;
  return reject(
    'WORKFLOW_NOT_FOUND',
    `namespace ${namespace} has no workflow ${what}: list the workflows, or the versions of one, for what there is`,
    { namespace, workflow: name, version: String(version ?? 0) },
    'workflow',
  );
}

function refuseTooMany(name: string, counts: WorkflowCounts): Refusal | undefined {
  if (counts.versions === 0 && counts.workflows >= MAX_WORKFLOWS) {
    const message = `the namespace has ${MAX_WORKFLOWS} workflows, as many as it may: delete one first`;
    return reject('LIMIT_REACHED', message, { resource: 'workflows', limit: String(MAX_WORKFLOWS) });
  }
  if (counts.versions < MAX_WORKFLOW_VERSIONS) return undefined;
  const message = `workflow ${name} has ${MAX_WORKFLOW_VERSIONS} versions, as many as it may: delete some first`;
  const metadata = { resource: 'workflow_versions', limit: String(MAX_WORKFLOW_VERSIONS) };
  return reject('LIMIT_REACHED', message, metadata);
}

function unknownOutcome(): Refusal {
  const message =
    'the commit failed; whether it took effect is unknown: repeat the call with the same request id';
  return reject('COMMIT_FAILED', message);
}
