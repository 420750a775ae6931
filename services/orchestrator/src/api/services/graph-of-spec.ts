// Would a run of this specification be accepted? What is not is refused with the path of its field.

import type { RunSpec as RunSpecMessage } from '@tutti/proto/tutti/v1/run_pb.ts';
import { compileGraph } from '../../domain/compile.ts';
import type { ExpressionCompiler } from '../../domain/expression.ts';
import type { Graph } from '../../domain/graph.ts';
import type { Rejection, Result } from '../../domain/rejection.ts';
import type { SchemaChecker } from '../../domain/schema.ts';
import type { RunOrigin, RunSpec } from '../../domain/spec.ts';
import { toRunSpec } from '../../wire/spec.ts';

/** In which what a specification says is written. */
export interface Languages {
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
}

/**
 * @param path of the specification in the request
 * @param workflow what it is a copy of
 */
export function toGraph(
  message: RunSpecMessage,
  { expressions, schemas }: Languages,
  path: string,
  workflow?: RunOrigin,
): Result<Graph> {
  const spec = toSpec(message, path);
  return spec.ok ? compileSpec({ ...spec.value, workflow }, { expressions, schemas }, path) : spec;
}

export function toSpec(message: RunSpecMessage, path: string): Result<RunSpec> {
  const spec = toRunSpec(message);
  return spec.ok ? spec : { ok: false, rejection: inRequest(spec.rejection, path) };
}

export function compileSpec(spec: RunSpec, { expressions, schemas }: Languages, path: string): Result<Graph> {
  const graph = compileGraph(spec, expressions, schemas);
  return graph.ok ? graph : { ok: false, rejection: inRequest(graph.rejection, path) };
}

/** The domain names fields from the specification on; clients want them from the request on. */
function inRequest(rejection: Rejection, path: string): Rejection {
  return rejection.field === '' ? rejection : { ...rejection, field: `${path}.${rejection.field}` };
}
