// `tutti graph`: what does a run look like?

import {
  GetRunGraphResponseSchema,
  type GraphFormat,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type ExitCode, exitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';

export async function drawGraph(
  { client, output }: CommandContext,
  runId: string,
  format: GraphFormat,
): Promise<ExitCode> {
  const graph = await client.getRunGraph(runId, format);
  output.message(GetRunGraphResponseSchema, graph);
  // A line of output ends its line by itself.
  output.text(graph.text.replace(/\n$/, ''));
  return exitCode.completed;
}
