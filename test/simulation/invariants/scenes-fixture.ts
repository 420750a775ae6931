// What stories are mostly made of: runs that are submitted, executors that come, attempts that are made.

import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { createInputSchemas } from '../../../services/orchestrator/src/api/input-schema.ts';
import { createSchemaChecker } from '../../../services/orchestrator/src/api/schema-checker.ts';
import { compileGraph } from '../../../services/orchestrator/src/domain/compile.ts';
import type { Progress } from '../../../services/orchestrator/src/domain/events.ts';
import type { RunSpec, TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import type {
  Assignment,
  AttemptOutcome,
  HeartbeatAck,
  RegisterExecutor,
} from '../../../services/orchestrator/src/engine/inputs.ts';
import { createExpressionCompiler } from '../../../services/orchestrator/src/expressions/compiler.ts';
import { timestampFromMs } from '../../../services/orchestrator/src/wire/time.ts';
import { plainRun, plainTask } from '../scenario/tasks.ts';
import { json } from '../world/work.ts';
import { NAMESPACE, type Story, type StoryEvent } from './story-fixture.ts';

const expressions = createExpressionCompiler();
const schemas = createSchemaChecker(createInputSchemas());

export function requestOf(name: string) {
  return { requestId: name, fingerprint: 'f' };
}

export function kept(name: string, value: unknown) {
  return [{ ...requestOf(name), atMs: 0, answer: JSON.stringify({ ok: true, value }) }];
}

export function submission(runId: string, tasks: readonly TaskSpec[], spec: Partial<RunSpec> = {}) {
  const graph = compileGraph(plainRun(tasks, spec), expressions, schemas);
  if (!graph.ok) throw new Error(graph.rejection.message);
  const request = requestOf(`submit-${runId}`);
  return { runId, chosen: true, onConflict: 'FAIL', graph: graph.value, traceparent: '', request } as const;
}

export function submitted(
  runId: string,
  tasks: readonly TaskSpec[],
  spec: Partial<RunSpec> = {},
): StoryEvent {
  const value = { name: 'simulated', taskCount: tasks.length };
  return { run: runId, tasks, spec, change: { case: 'runSubmitted', value } };
}

/** Run number 1, unless the story has begun. */
export function submit(
  story: Story,
  runId: string,
  tasks: readonly TaskSpec[] = [plainTask('a', 'work')],
  spec: Partial<RunSpec> = {},
): void {
  const value = { runId, revision: story.nextRevision(), existed: false };
  story.call('SubmitRun', submission(runId, tasks, spec), { ok: true, value }, () =>
    story.commit([submitted(runId, tasks, spec)], { requests: kept(`submit-${runId}`, value) }),
  );
}

export function register(
  story: Story,
  executorId: string,
  said: Partial<RegisterExecutor> = {},
  kept: readonly string[] = [],
  session = `session of ${executorId}`,
): void {
  const capabilities = [{ name: 'work', version: '', maxConcurrency: 0 }];
  const input = {
    executorId,
    capabilities,
    labels: {},
    slots: 2,
    held: [],
    phase: 'ACTIVE',
    ...said,
  } as const;
  const times = { leaseDurationMs: 15_000, heartbeatIntervalMs: 5_000, maxPayloadBytes: 1 };
  story.call('RegisterExecutor', input, { ok: true, value: { session, kept, ...times } });
}

export function started(
  run: string,
  task: string,
  token: string,
  rest: { attempt?: number; executorId?: string } = {},
): StoryEvent {
  const { attempt = 1, executorId = 'e' } = rest;
  return { run, task, token, change: { case: 'taskStarted', value: { attempt, executorId } } };
}

export function assignment(
  runId: string,
  taskKey: string,
  leaseToken: string,
  rest: Partial<Assignment> = {},
): Assignment {
  const nothing = {
    timeoutMs: undefined,
    heartbeatTimeoutMs: undefined,
    checkpoint: undefined,
    lastError: undefined,
  };
  const input = { bytes: new Uint8Array(), contentType: '' };
  const whole = { attempt: 1, capability: 'work', input, dependencies: [], ...nothing, feedback: undefined };
  return { leaseToken, runId, taskKey, ...whole, iteration: 0, traceparent: '', ...rest };
}

export function deliver(story: Story, executorId: string, given: Assignment): void {
  const delivery = { type: 'Assign', executorId, assignment: given } as const;
  story.see({ type: 'Delivered', process: 1, namespace: NAMESPACE, delivery });
}

/** One run of one task, which executor e is at work on under lease l1. */
export function atWork(story: Story, task: Partial<TaskSpec> = {}, spec: Partial<RunSpec> = {}): void {
  submit(story, 'r', [plainTask('a', 'work', task)], spec);
  register(story, 'e');
  story.pass(1);
  story.commit([started('r', 'a', 'l1')]);
  deliver(story, 'e', assignment('r', 'a', 'l1'));
}

export const DONE: AttemptOutcome = { type: 'Completed', result: json('done') };

export function report(
  story: Story,
  token: string,
  outcome: AttemptOutcome = DONE,
  rest: {
    executorId?: string;
    session?: string;
    status?: 'RECORDED' | 'STALE' | 'UNKNOWN';
    events?: readonly StoryEvent[];
  } = {},
): void {
  const { executorId = 'e', session = `session of ${executorId}`, status = 'RECORDED', events = [] } = rest;
  const input = { executorId, session, reports: [{ leaseToken: token, outcome, usage: undefined }] };
  story.call('Report', input, { ok: true, value: [status] }, () => {
    if (events.length > 0) story.commit(events);
  });
}

export function heartbeat(
  story: Story,
  tokens: readonly string[],
  said: Partial<HeartbeatAck> = {},
  phase: 'ACTIVE' | 'DRAINING' | 'LEAVING' = 'ACTIVE',
  progress?: Progress,
): void {
  const attempts = tokens.map((leaseToken) => ({ leaseToken, progress, checkpoint: undefined }));
  const input = { executorId: 'e', session: 'session of e', phase, attempts };
  const value = { dropped: [], cancellations: [], missing: [], ...said };
  story.call('Heartbeat', input, { ok: true, value });
}

/** Executor e says so, and it is written down. */
export function progress(story: Story, token: string): void {
  heartbeat(story, [token], {}, 'ACTIVE', { percent: 50, message: '' });
  story.commit([plain('r', { case: 'taskProgressed', value: { attempt: 1 } }, 'a')]);
}

export function completed(
  task: string,
  rest: { run?: string; attempt?: number; text?: string } = {},
): StoryEvent {
  const { run = 'r', attempt = 1, text = '"done"' } = rest;
  const result = { data: { case: 'bytes', value: Buffer.from(text) } } as const;
  return { run, task, change: { case: 'taskCompleted', value: { attempt, result } } };
}

export function runCompleted(run = 'r'): StoryEvent {
  return { run, change: { case: 'runCompleted', value: {} } };
}

type End = 'FAILED' | 'TIMED_OUT' | 'LOST';

export function retrying(
  story: Story,
  end: End,
  code: string,
  rest: { task?: string; attempt?: number; fallback?: boolean; inMs?: number } = {},
): StoryEvent {
  const { task = 'a', attempt = 1, fallback = false, inMs = 0 } = rest;
  const retryTime = timestampFromMs(story.nowMs() + inMs);
  const value = { attempt, attemptState: AttemptState[end], error: { code }, retryTime, fallback };
  return { run: 'r', task, change: { case: 'taskRetrying', value } };
}

export function ready(task: string): StoryEvent {
  return { run: 'r', task, change: { case: 'taskReady', value: {} } };
}

export function cancelled(task: string, attempt = 0): StoryEvent {
  return { run: 'r', task, change: { case: 'taskCancelled', value: { attempt } } };
}

export function plain(run: string, change: StoryEvent['change'], task?: string): StoryEvent {
  return task === undefined ? { run, change } : { run, task, change };
}
