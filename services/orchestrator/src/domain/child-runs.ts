// An attempt that is a run of its own (C.7): which run is it, how does it begin, and what does its end
// mean to the attempt?
//
// A child's id follows from the attempt that it is, so that no attempt has two. Clients cannot choose ids
// with `~`.

import type { RunCommand } from './commands.ts';
import type { Change, TaskError } from './events.ts';
import type { Graph } from './graph.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, isEmpty, type Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import { accept, type Result, reject } from './rejection.ts';
import { ownMap } from './sharing.ts';
import type { RunSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { startOf } from './work.ts';

const NOTHING: readonly Change[] = Object.freeze([]);

export function childRunIdOf(run: RunState, task: number, attempt: number): string {
  return `${run.runId}~${task}~${attempt}`;
}

/** @param child whether there will be such a run; without one the attempt is about to fail */
export function startOwnWork(run: RunState, task: number, child: boolean): readonly Change[] {
  if (taskOf(run, task).state !== 'READY' || run.paused) return NOTHING;
  const started = startOf(run, task);
  return [child ? { ...started, childRunId: childRunIdOf(run, task, started.attempt) } : started];
}

/** What the run is to be that the next attempt starts, or why it cannot be. */
export function childGraph(run: RunState, task: number): Result<Graph> {
  const { work, input: given } = specOf(run, task);
  const graph = work.type === 'CHILD_RUN' ? run.graph.childGraphs.get(work.spec) : undefined;
  if (graph === undefined || work.type !== 'CHILD_RUN') {
    return reject('INVALID_FIELD', 'there is no specification of a run to start');
  }
  const handed = taskOf(run, task).computedInput ?? given;
  const input = isEmpty(handed) ? graph.spec.input : handed;
  const violation = inputViolation(graph, input);
  if (violation !== undefined) {
    return reject(
      'INVALID_FIELD',
      `the input does not match the input schema of "${work.spec}": ${violation}`,
    );
  }
  const workflow = work.workflow ?? graph.spec.workflow;
  return accept({ ...graph, spec: { ...graph.spec, input, workflow } });
}

function inputViolation({ spec, schemas, readPayload }: Graph, input: Payload): string | undefined {
  if (spec.inputSchema === '') return undefined;
  const seen = readPayload(input);
  if (seen !== undefined) return schemas.violationOf('input', spec.inputSchema, seen);
  return input.ref === undefined
    ? 'it is no JSON'
    : `it is stored apart (${input.ref.sizeBytes} bytes), and only what is inline can be checked`;
}

/** What the end of a child means to the attempt that it is. */
export function outcomeOfChild(child: RunState, task: number): RunCommand {
  if (child.phase === 'COMPLETED') {
    return { type: 'CompleteAttempt', task, result: child.output ?? EMPTY_PAYLOAD, usage: undefined };
  }
  const error = errorOfChild(child);
  return { type: 'FailAttempt', task, error, final: false, retryAfterMs: undefined, usage: undefined };
}

const CAUSE_CHARACTERS = 2_000;

function errorOfChild(child: RunState): TaskError {
  const { runId, phase, reason, failedTask, message } = child;
  const failed = failedTask === undefined ? undefined : specOf(child, failedTask).key;
  const cause = failedTask === undefined ? undefined : taskOf(child, failedTask).error;
  const by = failed === undefined ? '' : `: task "${failed}" ${cause?.message ?? 'failed'}`;
  const details = payloadOfJson({
    run_id: runId,
    reason,
    message,
    failed_task: failed ?? null,
    error: cause === undefined ? null : { code: cause.code, message: cause.message },
  });
  const text = `run ${runId} is ${phase} (${reason})${by}${failed === undefined && message !== '' ? `: ${message}` : ''}`;
  return {
    code: phase === 'CANCELLED' ? 'CHILD_RUN_CANCELLED' : 'CHILD_RUN_FAILED',
    message: text.slice(0, CAUSE_CHARACTERS).toWellFormed(),
    details: details.ok ? details.payload : undefined,
  };
}

/** How deep runs may start runs. */
export const MAX_CHILD_DEPTH = 5;

const NO_GRAPHS: ReadonlyMap<string, Graph> = new Map();

/**
 * Compiles what the tasks may start, so that what is wrong with it is found out at submission.
 * @param compile what compiles the specification of one child
 */
export function compileChildren(
  spec: RunSpec,
  depth: number,
  compile: (child: RunSpec, depth: number) => Result<Graph>,
): Result<ReadonlyMap<string, Graph>> {
  const children = Object.entries(spec.childSpecs);
  let graphs = NO_GRAPHS;
  for (const [name, child] of children) {
    const field = `child_specs["${name}"]`;
    if (depth === MAX_CHILD_DEPTH) {
      const message = `runs may start runs ${MAX_CHILD_DEPTH} deep, and "${name}" is one more; let it be done by tasks instead`;
      return reject('INVALID_FIELD', message, { depth: `${depth + 1}` }, field);
    }
    const graph = compile(child, depth + 1);
    if (!graph.ok) {
      const { rejection } = graph;
      const below = rejection.field === '' ? field : `${field}.${rejection.field}`;
      return { ok: false, rejection: { ...rejection, field: below } };
    }
    graphs = ownMap(graphs).set(name, graph.value);
  }
  for (const [index, { key, work }] of spec.tasks.entries()) {
    if (work.type !== 'CHILD_RUN' || work.spec === '' || graphs.has(work.spec)) continue;
    const message = `task "${key}" starts a run of "${work.spec}", which child_specs does not have; add it there`;
    return reject('INVALID_FIELD', message, { key, spec: work.spec }, `tasks[${index}].child_run.spec`);
  }
  return accept(graphs);
}
