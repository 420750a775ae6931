// What does the executor half of the SDK offer?

export type { DurationInput } from '../durations.ts';
export type { JsonValue } from '../json.ts';
export type { Logger } from '../logger.ts';
export { bytes, bytesPayload, json, PayloadError, type PayloadInput } from '../payloads.ts';
export {
  AttemptAbortedError,
  ExecutorRefusedError,
  FinalError,
  type HandlerErrorOptions,
  RetryableError,
} from './errors.ts';
export { createExecutor } from './executor.ts';
export type {
  AbortReason,
  AttemptContext,
  AttemptError,
  AttemptFeedback,
  CapabilityOptions,
  DependencyOutcome,
  Executor,
  ExecutorOptions,
  Handler,
  MergeOptions,
  UpstreamState,
} from './types.ts';
