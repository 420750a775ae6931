// How is a run copied, kept, or forgotten?

import { randomUUID } from 'node:crypto';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { type DurationInput, durationToMs, toDuration } from '../durations.ts';
import type { Caller } from './caller.ts';
import type { RunControlOptions } from './run-control.ts';

/** Which part of a run is copied. */
export interface CopyInput {
  /** The id of the new run. Default: one of the orchestrator's. */
  readonly newRunId?: string;
  /** The tasks to copy, with all that is grouped under them. Default: all. */
  readonly copy?: readonly string[];
  /** Tasks whose results are taken instead of doing them again. */
  readonly link?: readonly string[];
  /** True: whatever the copied tasks depend on that is not copied is linked. Default: it is refused. */
  readonly linkOutside?: boolean;
}

/** What a copy came to. */
export interface CopyOutcome {
  readonly runId: string;
  readonly revision: bigint;
  readonly copiedCount: number;
  readonly linkedCount: number;
}

export interface RunKeeping {
  /** Starts a new run that is a copy of an old one, or of a part of it. */
  copyRun(runId: string, part?: CopyInput, options?: RunControlOptions): Promise<CopyOutcome>;
  /** Freezes a final run: it is never done again, deleted, or removed by retention. */
  archiveRun(runId: string, options?: RunControlOptions): Promise<void>;
  unarchiveRun(runId: string, options?: RunControlOptions): Promise<void>;
  /** Forgets a final run that no other links to. */
  deleteRun(runId: string, options?: RunControlOptions): Promise<void>;
  /** How long final runs of the namespace are kept, in milliseconds; undefined: for ever. */
  getRetention(): Promise<number | undefined>;
  /** Undefined: for ever. */
  setRetention(keep: DurationInput | undefined, options?: RunControlOptions): Promise<void>;
}

const { method } = RunLifeService;

export function createRunKeeping(caller: Caller, namespace: string): RunKeeping {
  return {
    async copyRun(runId, part = {}, options = {}) {
      const { newRunId = '', copy = [], link = [], linkOutside = false } = part;
      const { requestId = randomUUID() } = options;
      const request = {
        namespace,
        requestId,
        runId,
        newRunId,
        copy: [...copy],
        link: [...link],
        linkOutside,
      };
      const { $typeName: _, ...outcome } = await caller.unary(method.copyRun, request, options);
      return outcome;
    },
    async archiveRun(runId, options = {}) {
      const { requestId = randomUUID() } = options;
      await caller.unary(method.archiveRun, { namespace, runId, requestId }, options);
    },
    async unarchiveRun(runId, options = {}) {
      const { requestId = randomUUID() } = options;
      await caller.unary(method.unarchiveRun, { namespace, runId, requestId }, options);
    },
    async deleteRun(runId, options = {}) {
      const { requestId = randomUUID() } = options;
      await caller.unary(method.deleteRun, { namespace, runId, requestId }, options);
    },
    async getRetention() {
      return durationToMs((await caller.unary(method.getRetention, { namespace }, {})).keep);
    },
    async setRetention(keep, options = {}) {
      const { requestId = randomUUID() } = options;
      const kept = keep === undefined ? {} : { keep: toDuration(keep, 'keep') };
      await caller.unary(method.setRetention, { namespace, requestId, ...kept }, options);
    },
  };
}
