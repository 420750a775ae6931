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
  readonly capability: string;
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

/** Contract: the tasks were accepted as a run. Throws where they cannot have been. */
export function createRunGraph(run: GraphRun, tasks: readonly TaskStanding[]): RunGraph {
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
    for (const [key, condition] of conditions) edges.push({ from: indexOf(key), to, condition });
    return {
      key: spec.key,
      capability: spec.capability,
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
  return { run, nodes, edges, order };
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
