// The compiled form of a specification: keys resolved to indexes, edges in both directions.

import type { ExpressionCompiler, Json } from './expression.ts';
import type { Payload } from './payload.ts';
import type { SchemaChecker } from './schema.ts';
import type { DependencyCondition, RunSpec, Selection } from './spec.ts';

export interface Edge {
  /** Index of the upstream task. */
  readonly upstream: number;
  readonly condition: DependencyCondition;
  /** Empty for an edge without. */
  readonly when: string;
  /** Empty for the upstream's key. */
  readonly alias: string;
  readonly select: Selection;
}

export interface Dependant {
  /** Index of the task that waits. */
  readonly task: number;
  readonly condition: DependencyCondition;
  /** Empty for an edge without. */
  readonly when: string;
}

export interface Graph {
  readonly spec: RunSpec;
  /** By task; equal edges collapsed, in declared order. */
  readonly dependencies: readonly (readonly Edge[])[];
  /** By task; the same edges from the other end, in the order of the dependants' indexes. */
  readonly dependants: readonly (readonly Dependant[])[];
  /** By task: the tasks grouped directly under it. */
  readonly children: readonly (readonly number[])[];
  /** By task: how many edges must be met before it is ready. 0 for a task without dependencies. */
  readonly required: readonly number[];
  /** By task; see way-ahead.ts. Undefined where no task says how long it takes. */
  readonly waysAhead: readonly number[] | undefined;
  /** Compiles, or remembers, what checkExpressions found usable. */
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
  /** Of what its tasks may start as runs of their own, by name. */
  readonly childGraphs: ReadonlyMap<string, Graph>;
  /** What expressions see of a payload; undefined for nothing. */
  readPayload(payload: Payload): Json | undefined;
  indexOf(key: string): number | undefined;
}
