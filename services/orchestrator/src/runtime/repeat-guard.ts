// Makes calls safe to repeat: a request id or a run id that the store knows is answered from there,
// and two calls with the same id are dealt with one after the other.
//
// The engine knows only what is active; the store knows everything that is durable. A call waits for
// an earlier one with the same id to be answered, thus durable, before it looks.

import { runAlreadyFinal, taskAlreadyFinal } from '../domain/cancel.ts';
import { notWaiting } from '../domain/change-dependencies.ts';
import type { Graph } from '../domain/graph.ts';
import { linksOf } from '../domain/links.ts';
import { nothingToPause } from '../domain/pause.ts';
import { accept, type Result, reject } from '../domain/rejection.ts';
import { runIsFinal } from '../domain/signals.ts';
import { isFinalRun } from '../domain/states.ts';
import type {
  CancelRun,
  CancelTask,
  ChangeDependencies,
  ClaimRequest,
  EngineCalls,
  PauseRun,
  RequestKey,
  ResumeRun,
  SignalRun,
  SubmitRun,
} from '../engine/inputs.ts';
import { runExists, runNotFound, startedRunExists, taskNotFound } from '../engine/requests.ts';
import type { RequestRow, RunNumber, RunRow, Store } from '../store/port.ts';
import { createBatchedLookup } from './batched-lookup.ts';
import type { NamespaceDriver } from './namespace-driver.ts';
import type { Clock } from './ports.ts';

export interface RepeatGuard {
  /** Answers from the store if the request was answered before; else makes the call, which keeps its answer. */
  once<R>(driver: NamespaceDriver, key: RequestKey | undefined, call: () => Promise<R>): Promise<R>;
  /** As submitRun; asks for the graph only if nothing that is known is the answer. */
  submitPrepared(
    driver: NamespaceDriver,
    input: Omit<SubmitRun, 'graph'>,
    prepare: () => Promise<Result<Graph>>,
  ): Promise<EngineCalls['SubmitRun']['reply']>;
  submitRun(driver: NamespaceDriver, input: SubmitRun): Promise<EngineCalls['SubmitRun']['reply']>;
  claimRequest(driver: NamespaceDriver, input: ClaimRequest): Promise<EngineCalls['ClaimRequest']['reply']>;
  cancelRun(driver: NamespaceDriver, input: CancelRun): Promise<EngineCalls['CancelRun']['reply']>;
  cancelTask(driver: NamespaceDriver, input: CancelTask): Promise<EngineCalls['CancelTask']['reply']>;
  signalRun(driver: NamespaceDriver, input: SignalRun): Promise<EngineCalls['SignalRun']['reply']>;
  changeDependencies(
    driver: NamespaceDriver,
    input: ChangeDependencies,
  ): Promise<EngineCalls['ChangeDependencies']['reply']>;
  pauseRun(driver: NamespaceDriver, input: PauseRun): Promise<EngineCalls['PauseRun']['reply']>;
  resumeRun(driver: NamespaceDriver, input: ResumeRun): Promise<EngineCalls['ResumeRun']['reply']>;
  /**
   * Runs pieces of work on one run that is final one after the other: whatever brings it back, freezes it
   * or takes it away, and submissions that link to it, so that each sees what the one before has left.
   */
  alone<R>(namespace: string, runId: string, work: () => Promise<R>): Promise<R>;
}

type SignalReply = EngineCalls['SignalRun']['reply'];
export function createRepeatGuard(store: Store, clock: Clock): RepeatGuard {
  const inTurn = createTurns();
  const findRun = createBatchedLookup<RunNumber>(clock, (namespace, ids) => store.findRunIds(namespace, ids));
  const findRequest = createBatchedLookup<RequestRow>(clock, (namespace, ids) =>
    store.findRequests(namespace, ids),
  );

  async function once<R>(
    driver: NamespaceDriver,
    key: RequestKey | undefined,
    call: () => Promise<R>,
  ): Promise<R> {
    if (key === undefined) return call();
    return inTurn(`request ${driver.namespace}/${key.requestId}`, async () => {
      const known = await findRequest(driver.namespace, key.requestId);
      if (known === undefined) return call();
      if (known.fingerprint === key.fingerprint) return JSON.parse(known.answer) as R;
      const message = `request id ${key.requestId} was used for a different call: take a new one for each call`;
      return reject('REQUEST_ID_REUSED', message, { request_id: key.requestId }, 'request_id') as R;
    });
  }

  function alone<R>(namespace: string, runId: string, work: () => Promise<R>): Promise<R> {
    return inTurn(`final run ${namespace}/${runId}`, work);
  }

  /**
   * A run that is linked to may have gone since it was looked up. It is held until the run that links to it
   * is durable, and so keeps it. Taken by name, so that two submissions never wait for each other.
   */
  async function submitLinked(
    driver: NamespaceDriver,
    input: SubmitRun,
  ): Promise<EngineCalls['SubmitRun']['reply']> {
    const { namespace } = driver;
    const origins = [...linksOf(input.graph.spec)].sort();
    if (origins.length === 0) return driver.call('SubmitRun', input);
    const begin = async (): Promise<EngineCalls['SubmitRun']['reply']> => {
      const known = await store.findRunIds(namespace, origins);
      const gone = origins.find((runId) => !known.has(runId));
      return gone === undefined ? driver.call('SubmitRun', input) : runNotFound(namespace, gone);
    };
    const held = origins.reduceRight((inner, runId) => () => alone(namespace, runId, inner), begin);
    return held();
  }

  /** Ids of runs that a run starts follow from its own: one of that id that is deleted may have left some. */
  async function submitFree(
    driver: NamespaceDriver,
    input: SubmitRun,
  ): Promise<EngineCalls['SubmitRun']['reply']> {
    const { chosen, runId, graph } = input;
    if (!chosen || graph.childGraphs.size === 0) return submitLinked(driver, input);
    const left = await store.findStartedRun(driver.namespace, runId);
    return left === undefined ? submitLinked(driver, input) : startedRunExists(runId, left);
  }

  async function submit(
    driver: NamespaceDriver,
    input: Omit<SubmitRun, 'graph'>,
    begin: () => Promise<EngineCalls['SubmitRun']['reply']>,
  ): Promise<EngineCalls['SubmitRun']['reply']> {
    if (!input.chosen) return begin();
    return inTurn(`run ${driver.namespace}/${input.runId}`, async () => {
      const revision = await findRun(driver.namespace, input.runId);
      if (revision === undefined) return begin();
      if (input.onConflict === 'FAIL') return runExists(input.runId);
      return accept({ runId: input.runId, revision, existed: true });
    });
  }

  /** The engine knows no final runs: what it does not find may be one. */
  async function finalRun(
    namespace: string,
    runId: string,
    reply: Result<unknown>,
  ): Promise<RunRow | undefined> {
    if (reply.ok || reply.rejection.code !== 'RUN_NOT_FOUND') return undefined;
    const row = await store.getRun(namespace, runId);
    return row !== undefined && isFinalRun(row.phase) ? row : undefined;
  }

  async function cancelRun(
    driver: NamespaceDriver,
    input: CancelRun,
  ): Promise<EngineCalls['CancelRun']['reply']> {
    const reply = await driver.call('CancelRun', input);
    const run = await finalRun(driver.namespace, input.runId, reply);
    return run === undefined ? reply : runAlreadyFinal(input.runId, run.phase);
  }

  /** In a final run every task is final, each in its own way. */
  async function cancelTask(
    driver: NamespaceDriver,
    input: CancelTask,
  ): Promise<EngineCalls['CancelTask']['reply']> {
    const { runId, taskKey, subtree } = input;
    const reply = await driver.call('CancelTask', input);
    const run = await finalRun(driver.namespace, runId, reply);
    if (run === undefined) return reply;
    const task = await store.getTask(driver.namespace, run.run, taskKey);
    return task === undefined ? taskNotFound(runId, taskKey) : taskAlreadyFinal(taskKey, task.state, subtree);
  }

  async function signalRun(driver: NamespaceDriver, input: SignalRun): Promise<SignalReply> {
    const reply = await driver.call('SignalRun', input);
    const run = await finalRun(driver.namespace, input.runId, reply);
    return run === undefined ? reply : runIsFinal(input.runId, run.phase);
  }

  /** In a final run no task waits. */
  async function changeDependencies(
    driver: NamespaceDriver,
    input: ChangeDependencies,
  ): Promise<EngineCalls['ChangeDependencies']['reply']> {
    const reply = await driver.call('ChangeDependencies', input);
    const run = await finalRun(driver.namespace, input.runId, reply);
    if (run === undefined) return reply;
    const task = await store.getTask(driver.namespace, run.run, input.taskKey);
    return task === undefined
      ? taskNotFound(input.runId, input.taskKey)
      : notWaiting(input.taskKey, task.state);
  }

  async function pauseOrResume(
    driver: NamespaceDriver,
    runId: string,
    reply: Result<true>,
  ): Promise<Result<true>> {
    const run = await finalRun(driver.namespace, runId, reply);
    return run === undefined ? reply : nothingToPause(runId, run.phase);
  }

  return {
    once,
    alone,
    submitRun(driver, input) {
      // Most have nothing that is to be looked up.
      const isNew = input.request === undefined && !input.chosen;
      if (isNew && linksOf(input.graph.spec).length === 0) return driver.call('SubmitRun', input);
      return once(driver, input.request, () => submit(driver, input, () => submitFree(driver, input)));
    },
    submitPrepared: (driver, input, prepare) =>
      once(driver, input.request, () =>
        submit(driver, input, async () => {
          const graph = await prepare();
          return graph.ok ? submitFree(driver, { ...input, graph: graph.value }) : graph;
        }),
      ),
    claimRequest: (driver, input) => once(driver, input.request, () => driver.call('ClaimRequest', input)),
    cancelRun: (driver, input) => once(driver, input.request, () => cancelRun(driver, input)),
    signalRun: (driver, input) => once(driver, input.request, () => signalRun(driver, input)),
    cancelTask: (driver, input) => once(driver, input.request, () => cancelTask(driver, input)),
    changeDependencies: (driver, input) =>
      once(driver, input.request, () => changeDependencies(driver, input)),
    pauseRun: (driver, input) =>
      once(driver, input.request, async () =>
        pauseOrResume(driver, input.runId, await driver.call('PauseRun', input)),
      ),
    resumeRun: (driver, input) =>
      once(driver, input.request, async () =>
        pauseOrResume(driver, input.runId, await driver.call('ResumeRun', input)),
      ),
  };
}

/** Runs pieces of work with the same key one after the other, in the order of their coming. */
export function createTurns(): <R>(key: string, work: () => Promise<R>) => Promise<R> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const before = last.get(key);
    const mine = before === undefined ? work() : before.then(work, work);
    last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (last.get(key) === mine) last.delete(key);
    }
  };
}
