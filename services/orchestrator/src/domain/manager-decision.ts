// What does the decision of a run's manager come to (C.6)?

import { addTasks } from './additions.ts';
import { performsItself } from './admission.ts';
import type { CompleteAttempt } from './commands.ts';
import { release } from './conditions.ts';
import { type Choice, type Decision, readDecision } from './decision-form.ts';
import type { Change, TaskError, Usage } from './events.ts';
import { capabilityOf, runningAttempt, specOf, taskOf } from './lookup.ts';
import { isManaged } from './manager.ts';
import type { Payload } from './payload.ts';
import { payloadOfJson } from './payload-json.ts';
import { accept, type Result } from './rejection.ts';
import { attemptFailed } from './result.ts';
import { DEFAULT_MAX_ROUNDS, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import type { StateReason } from './states.ts';
import { iterationOf } from './variables.ts';

/** What is known beside the run when a manager answers: the domain sees neither executors nor messages. */
export interface Surroundings {
  /** Executors that take work, by id, with what each can do. */
  readonly places: ReadonlyMap<string, ReadonlySet<string>>;
  /** The tasks that the answer wants added, or why they are none. */
  readonly added: Result<readonly TaskSpec[]>;
}

const REASON_CHARACTERS = 4_000;

/** Contract: the task is the manager's, RUNNING, and not being cancelled. */
export function managerDecided(run: RunState, command: CompleteAttempt, nowMs: number): readonly Change[] {
  const { task, result, usage, surroundings } = command;
  if (surroundings === undefined) throw new Error('a manager answered, and nobody said what surrounds it');
  const json = run.graph.readPayload(result);
  const reading =
    json === undefined
      ? { ok: false as const, cause: 'it is no JSON that is kept with the run' }
      : readDecision(json);
  if (!reading.ok) return bad(run, task, result, usage, reading.cause, nowMs);
  const { decision } = reading;
  if (decision.fail !== undefined)
    return [end(run, task, 'MANAGER_FAILED', errorOf('MANAGER_FAILED', decision.fail), usage)];
  if (decision.done) return done(run, task, decision, { result, usage }, nowMs);
  const wrong = wrongWith(run, decision, surroundings);
  if (wrong !== undefined) return bad(run, task, result, usage, wrong, nowMs);
  return goOn(run, task, decision, { result, usage }, surroundings, nowMs);
}

interface Answer {
  readonly result: Payload;
  readonly usage: Usage | undefined;
}

/** What was never chosen is skipped first: nothing becomes available by it any more. */
function done(
  run: RunState,
  task: number,
  decision: Decision,
  { result, usage }: Answer,
  nowMs: number,
): readonly Change[] {
  const output = payloadOfJson(decision.output);
  if (!output.ok) return bad(run, task, result, usage, `its output cannot be kept: ${output.cause}`, nowMs);
  const changes: Change[] = [];
  run.tasks.forEach(({ state }, each) => {
    if (state !== 'WAITING' || !isManaged(run, each)) return;
    changes.push({ type: 'TaskSkipped', task: each, reason: 'NOT_CHOSEN', upstream: undefined });
  });
  const attempt = runningAttempt(taskOf(run, task)).number;
  changes.push({ type: 'TaskCompleted', task, attempt, result: output.payload, usage });
  return changes;
}

function goOn(
  run: RunState,
  task: number,
  decision: Decision,
  { result, usage }: Answer,
  { added }: Surroundings,
  nowMs: number,
): readonly Change[] {
  const round = iterationOf(run, task);
  const maxRounds = run.graph.spec.manager?.maxRounds ?? DEFAULT_MAX_ROUNDS;
  if (round >= maxRounds) {
    const message = `the manager was asked ${maxRounds} times, as often as allowed, and did not end the run`;
    return [end(run, task, 'ITERATIONS_EXHAUSTED', errorOf('ITERATIONS_EXHAUSTED', message), usage)];
  }
  const growth = growthBy(run, added.ok ? added.value : []);
  const growing = growth.ok ? growth.value : [];
  const changes: Change[] = [
    {
      type: 'TaskRepeating',
      task,
      attempt: runningAttempt(taskOf(run, task)).number,
      result,
      usage,
      iteration: round + 1,
      nextInput: undefined,
      repeatAtMs: run.news || growing.length > 0 ? nowMs : undefined,
    },
    ...growing,
  ];
  for (const choice of decision.run) changes.push(chosen(run, choice));
  return changes;
}

function chosen(run: RunState, { task: key, executor }: Choice): Change {
  const task = run.graph.indexOf(key);
  if (task === undefined) throw new Error(`run ${run.runId} has no task "${key}" to choose`);
  const change = release(run, task);
  return change.type === 'TaskReady' && executor !== '' ? { ...change, executorId: executor } : change;
}

function growthBy(run: RunState, added: readonly TaskSpec[]): Result<readonly Change[]> {
  return added.length === 0 ? accept([]) : addTasks(run, added);
}

/** Undefined for a decision that makes sense. */
function wrongWith(run: RunState, decision: Decision, surroundings: Surroundings): string | undefined {
  const { added, places } = surroundings;
  if (!added.ok) return `add: ${added.rejection.message}`;
  const growth = growthBy(run, added.value);
  if (!growth.ok) return `add: ${growth.rejection.message}`;
  const seen = new Set<string>();
  for (const choice of decision.run) {
    const wrong = seen.has(choice.task) ? 'is chosen twice' : wrongChoice(run, choice, places);
    if (wrong !== undefined) return `task "${choice.task.slice(0, 200)}" ${wrong}`;
    seen.add(choice.task);
  }
  const idle = decision.run.length === 0 && growth.value.length === 0;
  if (idle && !run.news && !isUnderWay(run))
    return 'it starts nothing while nothing is under way; choose a task that is available, or end the run by done or fail';
  return undefined;
}

function wrongChoice(run: RunState, choice: Choice, places: Surroundings['places']): string | undefined {
  const task = run.graph.indexOf(choice.task);
  if (task === undefined) return 'is none of this run';
  const { state, reason } = taskOf(run, task);
  if (state !== 'WAITING' || reason !== 'AWAITING_MANAGER')
    return `is not available: it is ${state}${reason === 'NONE' ? '' : ` (${reason})`}`;
  if (choice.executor === '') return undefined;
  if (performsItself(specOf(run, task))) return 'is done by the orchestrator itself; name no executor for it';
  const abilities = places.get(choice.executor);
  if (abilities === undefined)
    return `cannot run on "${choice.executor.slice(0, 64)}": no such executor takes work`;
  const capability = capabilityOf(run, task);
  return abilities.has(capability)
    ? undefined
    : `cannot run on "${choice.executor}": that executor does not offer ${capability}`;
}

/** Besides the manager itself, which is RUNNING. */
function isUnderWay({ counts, tasks }: RunState): boolean {
  if (counts.READY + counts.RUNNING + counts.RETRYING > 1) return true;
  return tasks.some(({ state, reason }) => state === 'WAITING' && reason === 'START_TIME_AHEAD');
}

/** A failed attempt; the next one, at once, is told what was wrong. */
function bad(
  run: RunState,
  task: number,
  result: Payload,
  usage: Usage | undefined,
  cause: string,
  nowMs: number,
): readonly Change[] {
  const reason = `the decision makes no sense: ${cause}`.slice(0, REASON_CHARACTERS).toWellFormed();
  const error = errorOf('BAD_DECISION', reason);
  const feedback = { reason, refusedResult: result, from: '', decision: undefined, iteration: 0 };
  const ended = { end: 'FAILED', error, usage, final: false, retryAfterMs: 0, feedback } as const;
  return attemptFailed(run, task, ended, nowMs);
}

function errorOf(code: string, message: string): TaskError {
  return { code, message: message.slice(0, REASON_CHARACTERS).toWellFormed(), details: undefined };
}

function end(
  run: RunState,
  task: number,
  reason: StateReason,
  error: TaskError,
  usage: Usage | undefined,
): Change {
  const ended = { attempt: runningAttempt(taskOf(run, task)).number, end: 'FAILED' } as const;
  return { type: 'TaskFailed', task, reason, ended, error, usage };
}
