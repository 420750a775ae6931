// How is a run halted, and how is it done again?

import { randomUUID } from 'node:crypto';
import { RerunScope } from '@tutti/proto/tutti/v1/event_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { Caller, CallOptions } from './caller.ts';

/** What can be said of a pause, its end, or a re-run. */
export interface RunControlOptions extends CallOptions {
  /** A repeat with the same id gets the first answer. Default: a new UUID. */
  readonly requestId?: string;
}

/**
 * Which tasks are done again: those that failed or were cancelled, with what was skipped because of them
 * (`FAILED`); one task and everything that depends on it (`from`); or `ALL`.
 */
export type RerunInput = 'FAILED' | 'ALL' | { readonly from: string };

/** What a re-run came to. */
export interface RerunOutcome {
  /** How many tasks are done again. */
  readonly resetCount: number;
  /** Watching from just before it shows the rest of the run. */
  readonly revision: bigint;
}

export interface RunControl {
  /** Starts nothing more of the run until it is resumed; what runs goes on. */
  pauseRun(runId: string, options?: RunControlOptions & { readonly message?: string }): Promise<void>;
  resumeRun(runId: string, options?: RunControlOptions): Promise<void>;
  /** Has tasks of a final run done again; the results of all others are kept. */
  rerunRun(runId: string, tasks: RerunInput, options?: RunControlOptions): Promise<RerunOutcome>;
}

const { method } = RunLifeService;

export function createRunControl(caller: Caller, namespace: string): RunControl {
  return {
    async pauseRun(runId, options = {}) {
      const { message = '', requestId = randomUUID() } = options;
      await caller.unary(method.pauseRun, { namespace, runId, message, requestId }, options);
    },
    async resumeRun(runId, options = {}) {
      const { requestId = randomUUID() } = options;
      await caller.unary(method.resumeRun, { namespace, runId, requestId }, options);
    },
    async rerunRun(runId, tasks, options = {}) {
      const { requestId = randomUUID() } = options;
      const chosen =
        typeof tasks === 'string'
          ? { scope: RerunScope[tasks] }
          : { scope: RerunScope.FROM, taskKey: tasks.from };
      const request = { namespace, runId, requestId, ...chosen };
      const { resetCount, revision } = await caller.unary(method.rerunRun, request, options);
      return { resetCount, revision };
    },
  };
}
