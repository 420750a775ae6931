// Brings runs back from the store, by replaying their events.

import { compileGraph } from '../domain/compile.ts';
import { evolve } from '../domain/evolve.ts';
import type { ExpressionCompiler } from '../domain/expression.ts';
import { startRun } from '../domain/initial.ts';
import type { SchemaChecker } from '../domain/schema.ts';
import type { RunState } from '../domain/state.ts';
import type { Store, StoredRun } from '../store/port.ts';
import { decodeEvent } from '../wire/events.ts';
import { decodeRunRecord, decodeTaskSpec } from '../wire/stored-spec.ts';

export async function loadActiveRuns(
  store: Store,
  namespace: string,
  expressions: ExpressionCompiler,
  schemas: SchemaChecker,
): Promise<readonly RunState[]> {
  const states: RunState[] = [];
  for await (const stored of store.loadActiveRuns(namespace))
    states.push(replay(stored, expressions, schemas));
  return states;
}

/** A run in whatever state; undefined if there is none. */
export async function loadRun(
  store: Pick<Store, 'loadRun'>,
  namespace: string,
  runId: string,
  expressions: ExpressionCompiler,
  schemas: SchemaChecker,
): Promise<RunState | undefined> {
  const stored = await store.loadRun(namespace, runId);
  return stored === undefined ? undefined : replay(stored, expressions, schemas);
}

export function replay(stored: StoredRun, expressions: ExpressionCompiler, schemas: SchemaChecker): RunState {
  const record = decodeRunRecord(stored.record, stored.taskSpecs);
  const compiled = compileGraph(record.spec, expressions, accepted(schemas));
  if (!compiled.ok) throw new Error(`stored run ${stored.runId}: ${compiled.rejection.message}`);
  const { traceparent, parent } = record;
  const addedSpecs = (first: number, count: number) =>
    stored.taskSpecs.slice(first, first + count).map(decodeTaskSpec);
  let state: RunState | undefined;
  for (const { payload, attachment } of stored.events) {
    const graph = state?.graph ?? compiled.value;
    const event = decodeEvent(payload, attachment, { graph, traceparent, parent, addedSpecs });
    const { change } = event;
    if (change.type === 'RunSubmitted') state = startRun({ ...event, change });
    else if (state !== undefined) state = evolve(state, event);
  }
  if (state === undefined) throw new Error(`stored run ${stored.runId} does not begin with RunSubmitted`);
  return state;
}

/** What was accepted once stays so: a busy machine may take too long to compile it now. */
function accepted(schemas: SchemaChecker): SchemaChecker {
  return { ...schemas, problemOf: () => undefined };
}
