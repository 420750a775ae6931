// Which effect must a request have had in the commit that keeps its answer?

import type { CommitBatch, RequestRow } from '../../../services/orchestrator/src/store/port.ts';
import type { Asked, AskedFor, Calls } from './calls.ts';
import { revisionOf } from './fact.ts';
import type { NamespaceModel, RunModel } from './ledger.ts';
import { isFinalPhase } from './states.ts';

interface Answer {
  readonly ok: boolean;
  readonly value?: {
    readonly revision?: number;
    readonly existed?: boolean;
    readonly cancelledCount?: number;
    readonly cancellingCount?: number;
  };
}

/** What is wrong with it; undefined if nothing is. The ledger has taken the commit in. */
export function effectOf(
  namespace: NamespaceModel,
  batch: CommitBatch,
  asked: Asked,
  { answer, fingerprint, requestId }: RequestRow,
): string | undefined {
  const told = JSON.parse(answer) as Answer;
  const request = 'request' in asked.input ? asked.input.request : undefined;
  if (!told.ok || request?.requestId !== requestId || request.fingerprint !== fingerprint) {
    return `kept with fingerprint ${fingerprint} and the answer ${answer}`;
  }
  if (!('runId' in asked.input)) return undefined;
  const { runId } = asked.input;
  const run = namespace.runIds.get(runId);
  if (run === undefined) return `there is no run ${runId}`;
  switch (asked.name) {
    case 'SubmitRun':
      return isBegun(run, batch, told);
    case 'CancelRun':
      return run.phase === 'RUNNING' ? `run ${runId} is RUNNING` : undefined;
    case 'CancelTask':
      return cancelled(namespace, run, batch, told);
    case 'SignalRun':
      return count(namespace, run, batch, 'runSignalled') === 0 ? 'no such signal came' : undefined;
    case 'PauseRun':
      return run.paused || isFinalPhase(run.phase) || count(namespace, run, batch, 'runResumed') > 0
        ? undefined
        : 'it is not paused';
    case 'ResumeRun':
      return !run.paused || count(namespace, run, batch, 'runPaused') > 0 ? undefined : 'it is paused';
    case 'RerunRun':
      return run.restartRevision === told.value?.revision
        ? undefined
        : `it was not begun again @${told.value?.revision}`;
    case 'ChangeDependencies':
      return rewired(run, asked, batch);
    default:
      return undefined;
  }
}

function isBegun(run: RunModel, batch: CommitBatch, { value }: Answer): string | undefined {
  const isNew = batch.newRuns.some(({ runId }) => runId === run.runId);
  if (run.number === value?.revision && isNew === (value.existed === false)) return undefined;
  return `run ${run.runId} begins @${run.number}, ${isNew ? 'here' : 'earlier'}`;
}

function cancelled(
  namespace: NamespaceModel,
  run: RunModel,
  batch: CommitBatch,
  { value }: Answer,
): string | undefined {
  const ended = count(namespace, run, batch, 'taskCancelled');
  const told = count(namespace, run, batch, 'taskCancelling');
  if (ended >= (value?.cancelledCount ?? 0) && told >= (value?.cancellingCount ?? 0)) return undefined;
  return `${ended} tasks of run ${run.runId} were cancelled, and ${told} told to stop`;
}

/** Another request in the same commit may have changed the task right after: then nothing can be told. */
function rewired(
  run: RunModel,
  { input }: AskedFor<'ChangeDependencies'>,
  batch: CommitBatch,
): string | undefined {
  const keys = new Set(run.byKey.get(input.taskKey)?.dependencies.map(({ key }) => key));
  const added = new Set(input.add.map(({ key }) => key));
  const isDone =
    input.add.every(({ key }) => keys.has(key)) &&
    input.remove.every((key) => !keys.has(key) || added.has(key));
  return isDone || batch.requests.length > 1 ? undefined : `${input.taskKey} depends on ${[...keys]}`;
}

function count(namespace: NamespaceModel, run: RunModel, batch: CommitBatch, what: string): number {
  let found = 0;
  for (const { run: number, payload } of batch.events) {
    if (number === run.number && namespace.events[revisionOf(payload) - 1]?.type === what) found += 1;
  }
  return found;
}

const CAUSES = {
  runSignalled: 'SignalRun',
  runPaused: 'PauseRun',
  runResumed: 'ResumeRun',
  runRestarted: 'RerunRun',
} as const;

/** An event that only a request brings, more often than it was asked for; every client here names its requests. */
export function uncausedIn(namespace: NamespaceModel, batch: CommitBatch, calls: Calls): string | undefined {
  const left = new Map<string, number>();
  for (const { requestId } of batch.requests) {
    const asked = calls.request(namespace.name, requestId);
    const key = asked !== undefined && 'runId' in asked.input ? `${asked.name} ${asked.input.runId}` : '';
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  for (const { run, revision } of batch.events) {
    const type = namespace.events[revision - 1]?.type;
    if (type === undefined || !(type in CAUSES)) continue;
    const key = `${CAUSES[type as keyof typeof CAUSES]} ${namespace.runs.get(run)?.runId}`;
    const count = left.get(key) ?? 0;
    if (count === 0) return `${type} @${revision} comes of no request that is answered with it`;
    left.set(key, count - 1);
  }
  return undefined;
}
