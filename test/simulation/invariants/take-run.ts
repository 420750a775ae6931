// What does an event about a run do to the ledger? Called once the event is known to be a legal one.

import type { TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import type { NewTask } from '../../../services/orchestrator/src/store/port.ts';
import { decodeRunRecord, decodeTaskSpec } from '../../../services/orchestrator/src/wire/stored-spec.ts';
import { type Fact, nameOf } from './fact.ts';
import type { NamespaceModel, RunModel, TaskModel } from './ledger.ts';
import { isFinalPhase, RUN_MOVES, type RunCase } from './states.ts';
import { Violation } from './violation.ts';

export function takeNewRun(namespace: NamespaceModel, fact: Fact): RunModel {
  const { record, batch, timeMs } = fact;
  const found = batch.newRuns.find(({ run }) => run === record.run);
  if (found === undefined || found.runId !== fact.runId || record.run !== fact.revision) {
    throw new Violation('P2.3', `${nameOf(fact)}: the commit does not bring the run that it begins`);
  }
  const { spec, parent } = decodeRunRecord(
    found.record,
    found.tasks.map((task) => task.spec),
  );
  const run: RunModel = {
    namespace: namespace.name,
    number: found.run,
    runId: found.runId,
    spec,
    parent,
    tasks: [],
    byKey: new Map(),
    submittedTasks: found.tasks.length,
    phase: 'RUNNING',
    paused: false,
    archived: false,
    deleted: false,
    lastRevision: fact.revision,
    endedAtMs: undefined,
    beganAtMs: timeMs,
    restartRevision: 0,
    sentBackRevision: 0,
    signals: new Map(),
  };
  for (const [index, task] of found.tasks.entries()) {
    addTask(run, spec.tasks[index] ?? decodeTaskSpec(task.spec), task, undefined, timeMs);
  }
  namespace.runs.set(run.number, run);
  namespace.everyRun.set(run.number, run);
  namespace.runIds.set(run.runId, run);
  return run;
}

function addTask(
  run: RunModel,
  spec: TaskSpec,
  { key, state }: NewTask,
  owner: TaskModel | undefined,
  atMs: number,
): void {
  const dependencies = new Map(spec.dependencies.map((dependency) => [dependency.key, dependency]));
  const before = run.tasks[run.tasks.length - 1];
  const isInLine = run.spec.mode === 'SEQUENTIAL' && run.tasks.length < run.submittedTasks;
  if (isInLine && before !== undefined && !dependencies.has(before.key)) {
    const [edge] = spec.dependencies;
    dependencies.set(before.key, {
      ...(edge ?? NO_EDGE),
      key: before.key,
      condition: 'SUCCESS',
      when: '',
    });
  }
  const readyAtMs = state === 'READY' ? atMs : undefined;
  const task: TaskModel = {
    key,
    index: run.tasks.length,
    spec,
    owner,
    dependencies: [...dependencies.values()],
    judged: new Map(),
    state,
    attempts: 0,
    round: { started: 0, lost: 0, fallbacks: 0, lostFallbacks: 0 },
    fallback: false,
    cancelling: false,
    stopByMs: 0,
    validating: false,
    lease: undefined,
    childRunId: '',
    result: new Uint8Array(),
    iteration: 0,
    sentBack: new Map(),
    heldUntilMs: undefined,
    dueAtMs: undefined,
    readyAtMs,
    firstReadyAtMs: readyAtMs,
    firstStartedAtMs: undefined,
    startedAtMs: 0,
    heardAtMs: 0,
    endedAtMs: undefined,
  };
  run.tasks.push(task);
  run.byKey.set(key, task);
}

const NO_EDGE = {
  key: '',
  condition: 'SUCCESS',
  when: '',
  alias: '',
  select: { part: { type: 'ALL' }, maxBytes: 0, oversize: 'REFUSE' },
} as const;

export function takeRunEvent(run: RunModel, fact: Fact): void {
  const { change, timeMs, revision } = fact;
  const to = RUN_MOVES[change.case as RunCase].to;
  if (to !== undefined) {
    run.phase = to;
    run.endedAtMs = isFinalPhase(to) ? timeMs : undefined;
    if (isFinalPhase(to)) run.paused = false;
  }
  switch (change.case) {
    case 'runPaused':
      run.paused = true;
      break;
    case 'runResumed':
      run.paused = false;
      // Time in the queue begins anew.
      for (const task of run.tasks) if (task.state === 'READY') task.readyAtMs = timeMs;
      break;
    case 'runRestarted':
      run.beganAtMs = timeMs;
      run.restartRevision = revision;
      break;
    case 'runSignalled': {
      const { name } = change.value;
      run.signals.set(name, (run.signals.get(name) ?? 0) + 1);
      break;
    }
    case 'tasksAdded':
      takeAddedTasks(run, fact);
      break;
  }
}

function takeAddedTasks(run: RunModel, fact: Fact): void {
  const { change, batch, timeMs } = fact;
  if (change.case !== 'tasksAdded') return;
  const { firstIndex, taskKeys, owner } = change.value;
  const added = batch.addedTasks.find((one) => one.run === run.number && one.first === firstIndex);
  const keys = added?.tasks.map(({ key }) => key);
  if (added === undefined || firstIndex !== run.tasks.length || !isSame(keys ?? [], taskKeys)) {
    throw new Violation('P2.3', `${nameOf(fact)}: the commit brings other tasks than the event says`);
  }
  for (const task of added.tasks) {
    addTask(run, decodeTaskSpec(task.spec), task, run.byKey.get(owner), timeMs);
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
