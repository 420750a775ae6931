// A run as the store knows it, from its state.

import type { RunState } from '../domain/state.ts';
import type { RunRow, RunStatusRow } from '../store/port.ts';
import { traceIdOf } from '../wire/trace.ts';

export function statusRowOf(run: RunState): RunStatusRow {
  return {
    run: run.firstRevision,
    phase: run.phase,
    reason: run.reason,
    message: run.message,
    paused: run.paused,
    endedAtMs: run.endedAtMs,
    lastRevision: run.lastRevision,
    failedTask: run.failedTask === undefined ? '' : (run.graph.spec.tasks[run.failedTask]?.key ?? ''),
    counts: { ...run.counts },
  };
}

/** As Store.getRun gives it once the state's last event is durable; of a run that is not archived. */
export function runRowOf(run: RunState): RunRow {
  const { name, labels, workflow } = run.graph.spec;
  return {
    ...statusRowOf(run),
    runId: run.runId,
    name,
    labels,
    submittedAtMs: run.submittedAtMs,
    traceId: traceIdOf(run.traceparent),
    workflow,
    parent: run.parent,
    archived: false,
  };
}
