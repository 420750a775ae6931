// What is said at the end?

import type { ChaosOutcome } from './chaos.ts';
import type { CycleNote } from './cycle.ts';
import { FAULT_KINDS } from './faults.ts';

const TARGETS = ['orchestrator', 'nats-server', 'executor', 'everything'] as const;

export function summarise({
  cycles,
  losses,
  verdict,
  submissions,
  failures,
}: ChaosOutcome): readonly string[] {
  const { histories, answers } = verdict;
  const runs = [...histories.runs.values()];
  const ended = (end: string) => runs.filter((run) => run.end === end).length;
  return [
    `cycles: ${cycles.length}`,
    ...FAULT_KINDS.map((kind) => `  ${kind}: ${cycles.filter(({ fault }) => fault.kind === kind).length}`),
    `submissions: ${submissions.acknowledged} acknowledged, ${submissions.unanswered} given up without an answer`,
    `runs: ${runs.length}, of them ${ended('COMPLETED')} completed, ${ended('CANCELLED')} cancelled, ${ended('FAILED')} failed`,
    `tasks: ${histories.completedTasks} completed; events: ${histories.eventCount}`,
    `attempts: ${countsOf(histories.attemptEnds)}`,
    `reports: ${countsOf(answers)}`,
    `calls that failed in spite of the SDK's repeats: ${countsOf(failures)}`,
    'recovery, from the start of the process (or its SIGCONT):',
    ...TARGETS.flatMap((target) => recoveryLines(target, cycles)),
    `loss of an executor noticed: ${
      losses.length === 0
        ? 'none was to be noticed'
        : `${losses.length} times, ${timesOf(losses.map(({ noticedMs }) => noticedMs))}, with ${losses.reduce((sum, { attempts }) => sum + attempts, 0)} attempts`
    }`,
  ];
}

function recoveryLines(target: string, cycles: readonly CycleNote[]): readonly string[] {
  const of = cycles.filter(({ fault }) => fault.kind.startsWith(target));
  if (of.length === 0) return [];
  const started = of.filter(({ fault }) => !fault.kind.includes('stopped'));
  const ready = started.map(({ readyAtMs, upAtMs }) => readyAtMs - upAtMs);
  const known = (values: readonly (number | undefined)[]) => values.filter((value) => value !== undefined);
  return [
    ...(ready.length === 0 ? [] : [`  ${target}, ready: ${timesOf(ready)}`]),
    // What an executor is given while it is not yet known to be gone says nothing of its return.
    ...(target === 'executor'
      ? []
      : [`  ${target}, first task given out: ${timesOf(known(of.map(({ dispatchedMs }) => dispatchedMs)))}`]),
    `  ${target}, first task done: ${timesOf(known(of.map(({ completedMs }) => completedMs)))}`,
    `  ${target}, from ready to first task done: ${timesOf(known(of.map(fromReadyMs)))}`,
  ];
}

/** Nothing, where work was done before the process said that it is ready. */
function fromReadyMs({ completedMs, readyAtMs, upAtMs }: CycleNote): number | undefined {
  return completedMs === undefined ? undefined : Math.max(0, completedMs - (readyAtMs - upAtMs));
}

function timesOf(timesMs: readonly number[]): string {
  if (timesMs.length === 0) return 'never';
  const sorted = [...timesMs].sort((a, b) => a - b);
  return `p50 ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, max ${Math.round(sorted.at(-1) ?? 0)} ms`;
}

function countsOf(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return 'none';
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}
