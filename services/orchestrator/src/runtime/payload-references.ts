// Which payloads that are stored apart does a call, or an event, refer to?
//
// Most refer to none: then a look at each payload is all that this costs.

import type { Change } from '../domain/events.ts';
import type { Payload, PayloadRef } from '../domain/payload.ts';
import type { RunSpec } from '../domain/spec.ts';
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
    case 'ClaimRequest':
    case 'CancelRun':
    case 'CancelTask':
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
  for (const [index, task] of spec.tasks.entries()) {
    collect(task.input, () => `${path.spec}.tasks[${index}].input`);
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
  if (change.type !== 'RunSubmitted') {
    const ref = payloadOf(change)?.ref;
    if (ref !== undefined) visit(ref);
    return;
  }
  const { spec } = change.graph;
  if (spec.input.ref !== undefined) visit(spec.input.ref);
  for (const { input } of spec.tasks) if (input.ref !== undefined) visit(input.ref);
}

function payloadOf(change: Exclude<Change, { type: 'RunSubmitted' }>): Payload | undefined {
  switch (change.type) {
    case 'RunCompleted':
      return change.output;
    case 'TaskReady':
      return change.input;
    case 'TaskProgressed':
      return change.checkpoint;
    case 'TaskCompleted':
      return change.result;
    case 'TaskCancelled':
      return change.partialResult;
    case 'TaskRetrying':
    case 'TaskFailed':
      return change.error?.details;
    case 'RunCancelling':
    case 'RunFailed':
    case 'RunCancelled':
    case 'TaskStarted':
    case 'TaskCancelling':
    case 'TaskSkipped':
    case 'TaskRouted':
      return undefined;
  }
}
