// How is a run halted, how is it done again, and how do its tasks get other dependencies?

import { randomUUID } from 'node:crypto';
import { RerunScope } from '@tutti/proto/tutti/v1/event_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { Caller, CallOptions } from './caller.ts';
import { type DependencyInput, toDependency } from './spec.ts';

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

/** What a task shall wait for, too, and what not any more. */
export interface DependencyChange {
  readonly add?: readonly (string | DependencyInput)[];
  readonly remove?: readonly string[];
}

export interface RunControl {
  /** Starts nothing more of the run until it is resumed; what runs goes on. */
  pauseRun(runId: string, options?: RunControlOptions & { readonly message?: string }): Promise<void>;
  resumeRun(runId: string, options?: RunControlOptions): Promise<void>;
  /** Changes what a task waits for, as long as it is WAITING: all of it, or nothing. */
  changeDependencies(
    runId: string,
    taskKey: string,
    change: DependencyChange,
    options?: RunControlOptions,
  ): Promise<void>;
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
    async changeDependencies(runId, taskKey, { add = [], remove = [] }, options = {}) {
      const { requestId = randomUUID() } = options;
      const edges = add.map((edge, index) => toDependency(edge, `add[${index}]`));
      await caller.unary(
        OrchestratorService.method.changeDependencies,
        { namespace, runId, taskKey, requestId, add: edges, remove: [...remove] },
        options,
      );
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
