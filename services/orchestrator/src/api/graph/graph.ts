// What is drawn? The graph of a run, with the states of its tasks, apart from any language.

import type { DependencyCondition, TaskSpec } from '../../domain/spec.ts';
import type { RunPhase, StateReason, TaskState } from '../../domain/states.ts';
import { topologicalOrder } from './order.ts';

export interface RunGraph {
  readonly run: GraphRun;
  /** In the order of submission. */
  readonly nodes: readonly GraphNode[];
  /** By the task that waits, then in the order it names them; none twice. */
  readonly edges: readonly GraphEdge[];
  /** Every node, each after those it depends on. */
  readonly order: readonly number[];
  /** From a decision to the task that it may send the run back to. */
  readonly sendBacks: readonly { readonly from: number; readonly to: number }[];
}

export interface GraphRun {
  readonly namespace: string;
  readonly runId: string;
  /** Chosen freely by a client. */
  readonly name: string;
  readonly state: RunPhase;
  readonly reason: StateReason;
}

/** NO_EXECUTOR: no event says it, because it changes without one. */
export type NodeReason = StateReason | 'NO_EXECUTOR';

export interface GraphNode {
  readonly key: string;
  /** Empty where the orchestrator does the work itself. */
  readonly capability: string;
  /** What it does, in words: its capability, or what else it is. */
  readonly work: string;
  /** How the items of a foreach stand, with those that are not made yet left out; undefined for others. */
  readonly items: Readonly<Partial<Record<TaskState, number>>> | undefined;
  readonly state: TaskState;
  readonly reason: NodeReason;
  /** The node that it is grouped under; undefined for a root. */
  readonly parent: number | undefined;
  readonly priority: number;
  readonly attemptCount: number;
  readonly allowFailure: boolean;
  readonly join: GraphJoin;
}

export interface GraphJoin {
  readonly mode: TaskSpec['join']['mode'];
  /** How many edges have to be met, and of how many. */
  readonly count: number;
  readonly edgeCount: number;
}

/** Indexes of nodes: `to` waits for `from`. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  readonly condition: DependencyCondition;
}

export interface TaskStanding {
  readonly spec: TaskSpec;
  readonly state: TaskState;
  readonly reason: NodeReason;
  readonly attemptCount: number;
}

/**
 * Items of a foreach and checks of results are no nodes: they are counted where they belong.
 * Contract: the tasks were accepted as a run. Throws where they cannot have been.
 */
export function createRunGraph(run: GraphRun, all: readonly TaskStanding[]): RunGraph {
  const tasks = all.filter(({ spec }) => !isPart(spec.key));
  const items = countItems(all);
  const indexes = new Map(tasks.map(({ spec }, index) => [spec.key, index]));
  const indexOf = (key: string): number => {
    const index = indexes.get(key);
    if (index === undefined) throw new Error(`stored run ${run.runId}: it has no task "${key}"`);
    return index;
  };
  const edges: GraphEdge[] = [];
  const nodes = tasks.map(({ spec, state, reason, attemptCount }, to): GraphNode => {
    // Two equal entries count as one.
    const conditions = new Map(spec.dependencies.map(({ key, condition }) => [key, condition]));
    for (const [key, condition] of conditions) {
      if (!isPart(key)) edges.push({ from: indexOf(key), to, condition });
    }
    return {
      key: spec.key,
      capability: spec.capability,
      work: workOf(spec),
      items: spec.flow.foreach === undefined ? undefined : (items.get(spec.key) ?? {}),
      state,
      reason,
      parent: spec.parent === '' ? undefined : indexOf(spec.parent),
      priority: spec.priority,
      attemptCount,
      allowFailure: spec.allowFailure,
      join: joinOf(spec, conditions.size),
    };
  });
  const order = topologicalOrder(nodes.length, edges);
  if (order.length < nodes.length) throw new Error(`stored run ${run.runId}: it goes in a circle`);
  const sendBacks = tasks.flatMap(({ spec }, from) =>
    spec.flow.sendBack.map(({ to }) => ({ from, to: indexOf(to) })),
  );
  return { run, nodes, edges, order, sendBacks };
}

/** Made by another task for itself. A compensation has a place of its own: it is a node. */
export function isPart(key: string): boolean {
  return key.includes('#') && !key.endsWith('#undo');
}

/** By the key of the foreach, in all of its rounds: an item that was done again counts once, as it stands. */
function countItems(all: readonly TaskStanding[]): ReadonlyMap<string, Partial<Record<TaskState, number>>> {
  const latest = new Map<string, { readonly owner: string; readonly state: TaskState }>();
  for (const { spec, state } of all) {
    const item = /^(.+?)(?:@\d+)?#(\d+)$/.exec(spec.key);
    const [, owner, index] = item ?? [];
    if (owner !== undefined) latest.set(`${owner}#${index}`, { owner, state });
  }
  const counts = new Map<string, Partial<Record<TaskState, number>>>();
  for (const { owner, state } of latest.values()) {
    const known = counts.get(owner) ?? {};
    known[state] = (known[state] ?? 0) + 1;
    counts.set(owner, known);
  }
  return counts;
}

function workOf({ capability, work }: TaskSpec): string {
  switch (work.type) {
    case 'CAPABILITY':
      return capability;
    case 'EXPRESSION':
      return 'expression';
    case 'SIGNAL':
      return `signal ${work.name}`;
    case 'TIMER':
      return 'timer';
    case 'CHILD_RUN':
      return `child run ${work.workflow?.name ?? work.spec}`;
    case 'LINK':
      return `link to ${work.taskKey} of run ${work.runId}`;
  }
}

function joinOf({ join }: TaskSpec, edgeCount: number): GraphJoin {
  const { mode } = join;
  switch (mode) {
    case 'ALL':
      return { mode, count: edgeCount, edgeCount };
    case 'ANY':
      return { mode, count: 1, edgeCount };
    case 'AT_LEAST':
      return { mode, count: join.count, edgeCount };
  }
}
