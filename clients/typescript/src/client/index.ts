// What does the client half of the SDK offer?

export { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
export {
  type Executor as ExecutorInfo,
  ExecutorSchema as ExecutorInfoSchema,
  ExecutorState,
} from '@tutti/proto/tutti/v1/executor_service_pb.ts';
export { type Payload, PayloadForm } from '@tutti/proto/tutti/v1/payload_pb.ts';
export {
  type Run,
  RunSchema,
  type RunSpec,
  RunSpecSchema,
  RunState,
} from '@tutti/proto/tutti/v1/run_pb.ts';
export { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
export { type Task, TaskSchema, type TaskSpec, TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
export {
  type Workflow,
  WorkflowSchema,
  type WorkflowTemplate,
  WorkflowTemplateSchema,
} from '@tutti/proto/tutti/v1/workflow_pb.ts';
export type { DurationInput } from '../durations.ts';
export type { JsonValue } from '../json.ts';
export {
  bytes,
  bytesPayload,
  json,
  PayloadError,
  type PayloadInput,
  toPayload,
} from '../payloads.ts';
export type { CallOptions, RetryOptions } from './caller.ts';
export { createClient } from './client.ts';
export {
  ClientClosedError,
  type FieldViolation,
  type StatusCode,
  TaskNotCompletedError,
  TuttiError,
} from './errors.ts';
export { type CsvOptions, csvItems, lineItems } from './lists.ts';
export type {
  DependencyChange,
  RerunInput,
  RerunOutcome,
  RunControl,
  RunControlOptions,
} from './run-control.ts';
export type { CopyInput, CopyOutcome, RunKeeping } from './run-keeping.ts';
export {
  type DependencyInput,
  type ManagerInput,
  type RetryInput,
  type RunInput,
  type SelectionInput,
  SpecError,
  type TaskInput,
  type TimeoutsInput,
  toRunSpec,
} from './spec.ts';
export type {
  CompensationInput,
  ConstructsInput,
  ErrorRuleInput,
  ForeachInput,
  GuardrailInput,
  RepeatInput,
  SendBackInput,
} from './spec-constructs.ts';
export type { FetchOptions } from './stored-payloads.ts';
export type {
  CancelOptions,
  CancelOutcome,
  Client,
  ClientOptions,
  ExecuteOptions,
  ExecuteOutcome,
  GraphFormatName,
  ListRunsOptions,
  ListTasksOptions,
  RunHandle,
  RunStateName,
  SignalOutcome,
  Submission,
  SubmitOptions,
  SubmitOutcome,
  TaskStateName,
  WaitOptions,
  WaitOutcome,
  WorkflowRun,
} from './types.ts';
export type { WatchOptions } from './watch.ts';
export {
  type ListWorkflowsOptions,
  toWorkflowTemplate,
  type WorkflowInput,
  type WorkflowName,
  type WorkflowsClient,
} from './workflows.ts';
