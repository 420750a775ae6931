// Which payloads that are stored apart does a call, or an event, refer to?
//
// Most refer to none: then a look at each payload is all that this costs.

import type { Change } from '../domain/events.ts';
import type { Payload, PayloadRef } from '../domain/payload.ts';
import type { RunSpec, TaskSpec } from '../domain/spec.ts';
import type { AttemptOutcome, EngineCalls, EngineCallType } from '../engine/inputs.ts';

/** A reference, and the field that holds it. */
export interface PlacedRef {
  readonly field: string;
  readonly ref: PayloadRef;
}

export const NO_REFERENCES: readonly PlacedRef[] = Object.freeze([]);

type Collect = (payload: Payload | undefined, field: () => string) => void;

function collector(): { readonly collect: Collect; found(): readonly PlacedRef[] } {
  let found: PlacedRef[] | undefined;
  return {
    collect(payload, field) {
      if (payload?.ref === undefined) return;
      found ??= [];
      found.push({ field: field(), ref: payload.ref });
    },
    found: () => found ?? NO_REFERENCES,
  };
}

/** Of what comes from outside: each is to be looked up before the engine sees it. */
export function referencesOfCall<K extends EngineCallType>(
  type: K,
  input: EngineCalls[K]['input'],
): readonly PlacedRef[] {
  const { collect, found } = collector();
  const call = { type, input } as CallOf;
  switch (call.type) {
    case 'SubmitRun':
      ofSpec(call.input.graph.spec, pathOfSpec(call.input.graph.spec), collect);
      break;
    case 'AddTasks':
      for (const [index, task] of call.input.tasks.entries()) ofTask(task, `tasks[${index}]`, collect);
      break;
    case 'Heartbeat':
      for (const [index, { checkpoint }] of call.input.attempts.entries()) {
        collect(checkpoint, () => `attempts[${index}].checkpoint`);
      }
      break;
    case 'Report':
      for (const [index, { outcome }] of call.input.reports.entries()) {
        ofOutcome(outcome, (rest) => `reports[${index}].${rest}`, collect);
      }
      break;
    case 'SignalRun':
      collect(call.input.payload, () => 'payload');
      break;
    case 'ClaimRequest':
    case 'CancelRun':
    case 'CancelTask':
    case 'ChangeDependencies':
    case 'PauseRun':
    case 'ResumeRun':
    case 'RerunRun':
    case 'ListExecutors':
    case 'RegisterExecutor':
      break; // Holds no payload.
  }
  return found();
}

type CallOf = {
  [K in EngineCallType]: { readonly type: K; readonly input: EngineCalls[K]['input'] };
}[EngineCallType];

interface SpecPath {
  readonly spec: string;
  readonly input: string;
}

/** Of a run that is a copy of a workflow only the input came with the call. */
function pathOfSpec({ workflow }: RunSpec): SpecPath {
  return workflow === undefined
    ? { spec: 'run.spec', input: 'run.spec.input' }
    : { spec: 'run.workflow.spec', input: 'run.input' };
}

function ofSpec(spec: RunSpec, path: SpecPath, collect: Collect): void {
  collect(spec.input, () => path.input);
  for (const [index, task] of spec.tasks.entries()) ofTask(task, `${path.spec}.tasks[${index}]`, collect);
  for (const [name, child] of Object.entries(spec.childSpecs)) {
    const nested = `${path.spec}.child_specs["${name}"]`;
    ofSpec(child, { spec: nested, input: `${nested}.input` }, collect);
  }
}

function ofTask(task: TaskSpec, at: string, collect: Collect): void {
  collect(task.input, () => `${at}.input`);
  for (const [place, item] of (task.flow.foreach?.items ?? []).entries()) {
    collect(item, () => `${at}.foreach.items[${place}]`);
  }
  for (const [place, { action }] of task.handling.errorRules.entries()) {
    if (action.type === 'COMPLETE') collect(action.result, () => `${at}.error_rules[${place}].result`);
  }
}

/** Of a workflow's template. */
export function referencesOfTemplate(spec: RunSpec): readonly PlacedRef[] {
  const { collect, found } = collector();
  ofSpec(spec, { spec: 'workflow.spec', input: 'workflow.spec.input' }, collect);
  return found();
}

function ofOutcome(outcome: AttemptOutcome, path: (rest: string) => string, collect: Collect): void {
  switch (outcome.type) {
    case 'Completed':
      collect(outcome.result, () => path('completed.result'));
      break;
    case 'Failed':
      collect(outcome.error.details, () => path('failed.error.details'));
      break;
    case 'Cancelled':
      collect(outcome.partialResult, () => path('cancelled.partial_result'));
      break;
    case 'Released':
      break;
  }
}

/** Told of each that an event brings into its run. */
export function visitReferences(change: Change, visit: (ref: PayloadRef) => void): void {
  const see = (payload: Payload | undefined): void => {
    if (payload?.ref !== undefined) visit(payload.ref);
  };
  switch (change.type) {
    case 'RunSubmitted':
      visitSpec(change.graph.spec, see);
      return;
    case 'TasksAdded':
      for (const task of change.specs) visitTask(task, see);
      return;
    case 'RunCompleted':
      see(change.output);
      return;
    case 'RunSignalled':
      see(change.payload);
      return;
    case 'TaskReady':
      see(change.input);
      return;
    case 'TaskProgressed':
      see(change.checkpoint);
      return;
    case 'TaskCompleted':
    case 'TaskSentBack':
    case 'TaskRepeating':
    case 'TaskValidating':
      see(change.result);
      if (change.type === 'TaskRepeating') see(change.nextInput);
      return;
    case 'TaskCancelled':
      see(change.partialResult);
      return;
    case 'TaskRetrying':
      see(change.error.details);
      see(change.checkpoint);
      see(change.feedback?.refusedResult);
      return;
    case 'TaskFailed':
      see(change.error?.details);
      see(change.attemptError?.details);
      return;
    case 'TaskReset':
      see(change.feedback?.refusedResult);
      see(change.feedback?.decision);
      return;
    case 'TaskExpanded':
      see(change.items);
      return;
    case 'RunCancelling':
    case 'RunFailed':
    case 'RunCancelled':
    case 'RunPaused':
    case 'RunResumed':
    case 'RunRestarted':
    case 'RunCompensating':
    case 'TaskStarted':
    case 'TaskHeld':
    case 'TaskCancelling':
    case 'TaskSkipped':
    case 'TaskRouted':
    case 'TaskSignalled':
    case 'TaskDependenciesChanged':
      return;
  }
}

type See = (payload: Payload | undefined) => void;

function visitSpec(spec: RunSpec, see: See): void {
  see(spec.input);
  for (const task of spec.tasks) visitTask(task, see);
  for (const child of Object.values(spec.childSpecs)) visitSpec(child, see);
}

function visitTask({ input, work, flow, handling }: TaskSpec, see: See): void {
  see(input);
  if (work.type === 'LINK') see(work.result);
  if (flow.foreach !== undefined) flow.foreach.items.forEach(see);
  for (const { action } of handling.errorRules) if (action.type === 'COMPLETE') see(action.result);
}
