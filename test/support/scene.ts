// A stack with somebody who submits and somebody who watches: what was asked for, and does the event log
// say that it was done as promised?

import { equals } from '@bufbuild/protobuf';
import { type Client, createClient, type RunInput, toRunSpec } from '@tutti/client/client';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { type EventFollower, followEvents, readLog } from './event-follower.ts';
import { checkLog, type LogFindings } from './event-log.ts';
import { type Stack, type StackOptions, startStack } from './stack.ts';

export interface Scene extends AsyncDisposable {
  readonly stack: Stack;
  readonly client: Client;
  readonly follower: EventFollower;
  submit(runId: string, spec: RunInput | RunSpec): Promise<void>;
  /** So that an event log with a run that was submitted otherwise can be judged too. */
  expectRun(runId: string, spec: RunInput | RunSpec): void;
  /** The share of the run's tasks that are COMPLETED, as far as it was seen. */
  completedShare(runId: string): number;
  /**
   * Reads the log anew up to what was seen last, and judges it. A difference from what was seen as it
   * happened is a violation too (promise 6).
   */
  judge(): Promise<LogFindings>;
}

export async function setScene(options: StackOptions): Promise<Scene> {
  const stack = await startStack(options);
  const client = createClient({ address: stack.addresses.grpc });
  const follower = followEvents(client);
  const specs = new Map<string, RunSpec>();
  const expectRun = (runId: string, spec: RunInput | RunSpec) => specs.set(runId, toRunSpec(spec));
  return {
    stack,
    client,
    follower,
    expectRun,
    async submit(runId, spec) {
      expectRun(runId, spec);
      await client.submit(spec, { runId });
    },
    completedShare: (runId) =>
      follower.count(runId, 'taskCompleted') / (specs.get(runId)?.tasks.length ?? Number.NaN),
    async judge() {
      const seen = [...follower.events];
      const log = await readLog(client, seen.at(-1)?.revision ?? 0n);
      const findings = checkLog(log, specs);
      const other = log.findIndex((event, index) => {
        const same = seen[index];
        return same === undefined || !equals(EventSchema, event, same);
      });
      if (other === -1 && seen.length === log.length) return findings;
      const difference = `seen were ${seen.length} events, the log has ${log.length}; the first other is ${other}`;
      return { ...findings, violations: [...findings.violations, difference] };
    },
    async [Symbol.asyncDispose]() {
      await follower[Symbol.asyncDispose]();
      client.close();
      await stack.stop();
    },
  };
}
