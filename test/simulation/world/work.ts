// What do simulated executors make of their work? By capability, as the graphs of scenario/graphs.ts need it:
// loops end by a result, judges say yes or no, managers decide, planners add tasks.

import type { Payload } from '../../../services/orchestrator/src/domain/payload.ts';
import type { TaskSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import type { Assignment, AttemptOutcome } from '../../../services/orchestrator/src/engine/inputs.ts';
import { plainTask } from '../scenario/tasks.ts';
import type { Random } from './random.ts';

export const CAPABILITIES = ['work', 'other', 'judge', 'undo', 'manage', 'plan'] as const;

export function json(value: unknown): Payload {
  return { bytes: Buffer.from(JSON.stringify(value)), contentType: '' };
}

const RESULTS = [
  'ok',
  'ok',
  'ok',
  'again',
  'back',
  'back',
  { ok: true },
  { ok: false, reason: 'no' },
] as const;

export function durationOf(_assignment: Assignment, random: Random, honest: boolean): number {
  if (honest || random.chance(0.8)) return random.between(1, 400);
  return random.between(400, 20_000);
}

export function outcomeOf(assignment: Assignment, random: Random, honest: boolean): AttemptOutcome {
  const { capability } = assignment;
  if (capability === 'manage') return completed(decisionOf(assignment, random, honest));
  if (honest) return completed(capability === 'judge' ? { ok: true } : 'ok');
  if (random.chance(0.12)) return failed(random);
  if (random.chance(0.03)) return { type: 'Released' };
  if (random.chance(0.02)) return { type: 'Cancelled', partialResult: json('part') };
  if (capability === 'judge') return completed({ ok: random.chance(0.6), reason: 'simulated' });
  return completed(RESULTS[random.below(RESULTS.length)]);
}

function completed(value: unknown): AttemptOutcome {
  return { type: 'Completed', result: json(value) };
}

function failed(random: Random): AttemptOutcome {
  const code = random.pick(['BROKEN', 'NET', 'ODD']);
  return {
    type: 'Failed',
    error: { code, message: `${code} happened`, details: undefined },
    final: random.chance(0.2),
    retryAfterMs: random.chance(0.2) ? random.below(500) : undefined,
    checkpoint: random.chance(0.2) ? json('left') : undefined,
  };
}

interface Shown {
  readonly tasks: readonly { readonly key: string; readonly available: boolean }[];
}

/** Managers are shown the tasks of their run, and choose among those that are available (C.6). */
function decisionOf({ input }: Assignment, random: Random, honest: boolean): unknown {
  const { tasks } = JSON.parse(Buffer.from(input.bytes).toString()) as Shown;
  const available = tasks.filter((task) => task.available);
  if (!honest && random.chance(0.1)) return { run: [{ task: 'nobody' }] };
  if (!honest && random.chance(0.05)) return { fail: 'given up' };
  if (available.length === 0 || (!honest && random.chance(0.1))) return { done: true, output: 'managed' };
  return { run: available.slice(0, 1 + random.below(2)).map(({ key }) => ({ task: key })) };
}

/** The tasks that a planner adds to its run; most others add none. */
export function additionOf(
  { capability, taskKey, attempt }: Assignment,
  random: Random,
): readonly TaskSpec[] {
  if (capability !== 'plan') return [];
  return Array.from({ length: random.between(1, 3) }, (_, index) =>
    plainTask(`${taskKey}.${attempt}.${index}`, 'work'),
  );
}
