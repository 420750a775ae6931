// How does a state look, and what is written on a task? The same in every drawing.

import type { DependencyCondition } from '../../domain/spec.ts';
import type { TaskState } from '../../domain/states.ts';
import type { GraphNode, GraphRun, RunGraph } from './graph.ts';

/** Dark text is readable on every fill, also in print and for the colour-blind: the state is written too. */
export const TEXT_COLOUR = '#111827';

export interface StateLook {
  readonly fill: string;
  readonly line: string;
  readonly isDashed: boolean;
}

/** In the order of the legend. */
export const STATE_LOOKS: Readonly<Record<TaskState, StateLook>> = {
  WAITING: { fill: '#f3f4f6', line: '#6b7280', isDashed: false },
  READY: { fill: '#dbeafe', line: '#2563eb', isDashed: false },
  RUNNING: { fill: '#fef08a', line: '#a16207', isDashed: false },
  RETRYING: { fill: '#fed7aa', line: '#c2410c', isDashed: false },
  COMPLETED: { fill: '#bbf7d0', line: '#15803d', isDashed: false },
  FAILED: { fill: '#fecaca', line: '#b91c1c', isDashed: false },
  CANCELLED: { fill: '#e9d5ff', line: '#7e22ce', isDashed: true },
  SKIPPED: { fill: '#ffffff', line: '#9ca3af', isDashed: true },
};

/** In the order of the legend. */
export const CONDITIONS: readonly DependencyCondition[] = ['SUCCESS', 'FINISHED', 'FAILURE'];

export function titleOf({ name, runId, state, reason }: GraphRun): string {
  const why = reason === 'NONE' ? '' : ` (${reason})`;
  return `${name === '' ? '' : `${name}, `}run ${runId}: ${state}${why}`;
}

/** What is written on a task, line by line. */
export function linesOf(node: GraphNode): readonly string[] {
  const why = node.reason === 'NONE' ? '' : ` (${node.reason})`;
  const tries = node.attemptCount > 1 ? `, attempt ${node.attemptCount}` : '';
  const lines = [node.key, node.work, `${node.state}${why}${tries}`];
  if (node.items !== undefined) lines.push(itemsText(node.items));
  const { mode, count, edgeCount } = node.join;
  if (mode !== 'ALL') lines.push(`needs ${count} of ${edgeCount}`);
  if (node.allowFailure) lines.push('may fail');
  return lines;
}

function itemsText(items: NonNullable<GraphNode['items']>): string {
  const counts = Object.entries(items).map(([state, count]) => `${count} ${state}`);
  return counts.length === 0 ? 'for each: no items yet' : `for each: ${counts.join(', ')}`;
}

/** Only what the drawing holds: a legend of what is not there explains nothing. */
export function legendOf(graph: RunGraph): {
  readonly states: readonly TaskState[];
  readonly conditions: readonly DependencyCondition[];
} {
  const states = new Set(graph.nodes.map(({ state }) => state));
  const conditions = new Set(graph.edges.map(({ condition }) => condition));
  return {
    states: (Object.keys(STATE_LOOKS) as TaskState[]).filter((state) => states.has(state)),
    conditions: CONDITIONS.filter((condition) => conditions.has(condition)),
  };
}

/** Bounded, or a deep tree would be mostly spaces. */
const MAX_INDENT_DEPTH = 8;

export function indented(depth: number, text: string): string {
  return '  '.repeat(Math.min(depth, MAX_INDENT_DEPTH)) + text;
}
