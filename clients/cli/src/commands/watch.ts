// `tutti watch`: how does a run go on?

import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { describeEvent } from '../describe.ts';
import type { ExitCode } from '../failure.ts';
import type { CommandContext } from './context.ts';
import { exitCodeOfRun, followToTheEnd } from './finish.ts';

/**
 * Progress until the end; with `-o json`, or if asked for, every event of the run instead, each in a line.
 * The exit code tells how the run ended.
 */
export async function watchRun(
  context: CommandContext,
  runId: string,
  showEvents: boolean,
): Promise<ExitCode> {
  const { client, output } = context;
  // Says at once that there is no such run or nobody to ask; what follows is patient.
  await client.getRun(runId);
  if (output.format === 'text' && !showEvents) return followToTheEnd(context, runId);
  for await (const event of client.watchRun(runId)) {
    output.message(EventSchema, event);
    output.text(describeEvent(event));
  }
  return exitCodeOfRun((await client.getRun(runId)).state);
}
