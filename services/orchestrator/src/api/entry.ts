// Which calls add work, and how much? Only they are asked to come back later when there is too much to do.

import type { CallContext } from './call.ts';

/** By the names of their methods. */
const ADDS_WORK: readonly string[] = ['SubmitRun', 'SubmitRuns', 'CopyRun', 'RerunRun'];

export function addsWork(methodName: string): boolean {
  return ADDS_WORK.includes(methodName);
}

/** What a small request counts as; also one that is not known to be large. */
export const SMALL_REQUEST_BYTES = 4_096;

/** The header of gRPC for it: how often the call was made before. */
export const PREVIOUS_ATTEMPTS = 'grpc-previous-rpc-attempts';

interface Specified {
  readonly spec?: { readonly tasks: readonly unknown[] };
}

/** As far as the request says; at least 1. */
export function tasksOf(request: object): number {
  const { run, runs } = request as { run?: Specified; runs?: readonly Specified[] };
  let tasks = run?.spec?.tasks.length ?? 0;
  for (const each of runs ?? []) tasks += Math.max(1, each.spec?.tasks.length ?? 0);
  return Math.max(1, tasks);
}

/** Over HTTP the header says it, unless the body comes in chunks. */
export function sizeOf(context: CallContext): number {
  const sizeBytes = context.sizeBytes ?? Number(context.requestHeader.get('content-length') ?? 0);
  return Number.isFinite(sizeBytes) ? Math.max(SMALL_REQUEST_BYTES, sizeBytes) : SMALL_REQUEST_BYTES;
}
