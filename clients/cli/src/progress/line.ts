// How does the progress of a run look in one line? Pure: counts in, text out.

import type { TaskCounts } from '@tutti/proto/tutti/v1/run_pb.ts';

/** The numbers of TaskCounts, without what makes it a message. */
export type Counts = Omit<TaskCounts, '$typeName' | '$unknown'>;

/** The states in the order in which they interest people. */
const shownStates = [
  'completed',
  'running',
  'ready',
  'waiting',
  'retrying',
  'failed',
  'cancelled',
  'skipped',
] as const satisfies readonly (keyof Counts)[];

const barWidth = 24;
const narrowestBar = 4;

export interface Tally {
  readonly total: number;
  /** Tasks in a final state. */
  readonly final: number;
  /** Rounded down, so that 100 means all. A run without counts is at 0. */
  readonly percent: number;
}

export function tally(counts: Counts): Tally {
  const final = counts.completed + counts.failed + counts.cancelled + counts.skipped;
  const total = final + counts.waiting + counts.ready + counts.running + counts.retrying;
  return { total, final, percent: total === 0 ? 0 : Math.floor((final / total) * 100) };
}

/** `12 completed, 3 running`; states without tasks are left out. */
export function renderCounts(counts: Counts): string {
  const parts = shownStates.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  return parts.length === 0 ? 'no tasks' : parts.join(', ');
}

/** For logs and pipes: `run-1  35 %  7/20 tasks: 7 completed, 2 running, 11 waiting`. */
export function renderPlainLine(runId: string, counts: Counts): string {
  const { percent, final, total } = tally(counts);
  return `${runId}  ${percent} %  ${final}/${total} tasks: ${renderCounts(counts)}`;
}

/**
 * For terminals: `[██████░░░░]  35 %  7/20  2 running, 11 waiting`, never wider than `columns`, so that
 * it can be drawn over itself.
 */
export function renderBarLine(counts: Counts, columns: number): string {
  const { percent, final, total } = tally(counts);
  const text = ` ${String(percent).padStart(3)} %  ${final}/${total}  ${renderCounts(counts)}`;
  // Two for the brackets, one so that the cursor does not wrap.
  const room = Math.min(barWidth, columns - text.length - 3);
  if (room < narrowestBar) return text.trimStart().slice(0, Math.max(0, columns - 1));
  const filled = total === 0 ? 0 : Math.floor((final / total) * room);
  return `[${'█'.repeat(filled)}${'░'.repeat(room - filled)}]${text}`;
}
