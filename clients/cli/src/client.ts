// What do the commands need of the orchestrator? `connect.ts` answers with the SDK, tests with a script.

import type { CopyInput, DependencyChange, DurationInput, RerunInput } from '@tutti/client/client';
import type { Event } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Executor } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import type {
  CancelRunResponse,
  GetRunGraphResponse,
  GraphFormat,
  SignalRunResponse,
  SubmitRunResponse,
  WaitRunResponse,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type {
  CopyRunResponse,
  PauseRunResponse,
  RerunRunResponse,
  ResumeRunResponse,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { Run, RunSpec, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import type { Task } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { Workflow, WorkflowTemplate } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import type {
  DeleteWorkflowResponse,
  PutWorkflowResponse,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';

export type { CopyInput, DependencyChange, DurationInput, RerunInput };

export interface SubmitChoices {
  /** Empty: the orchestrator chooses. */
  readonly runId: string;
  /** True: an existing run of that id is no error. */
  readonly useExisting: boolean;
}

export interface RunFilter {
  readonly states: readonly RunState[];
  readonly labels: Readonly<Record<string, string>>;
  readonly submittedAfter: Date | undefined;
  readonly submittedBefore: Date | undefined;
}

export interface RunPage {
  readonly runs: readonly Run[];
  /** What to begin with to go on after them, with the same filter; empty if these were all. */
  readonly nextPageToken: string;
}

/** A run to be started from a workflow. */
export interface WorkflowStart {
  readonly workflow: WorkflowName;
  /** JSON text; undefined leaves it out. */
  readonly input: string | undefined;
}

/** A workflow; the latest version, or all of them, where none is said. */
export interface WorkflowName {
  readonly name: string;
  readonly version?: number;
}

/** Every call rejects with a Failure. Lists are read page by page, as far as they are iterated. */
export interface CommandClient {
  submitRun(spec: RunSpec | WorkflowStart, choices: SubmitChoices): Promise<SubmitRunResponse>;
  /** Answers when the run is final, at the latest after `timeoutMs`. */
  waitRun(runId: string, timeoutMs: number): Promise<WaitRunResponse>;
  getRun(runId: string): Promise<Run>;
  getTask(runId: string, taskKey: string): Promise<Task>;
  listTasks(runId: string): AsyncIterable<Task>;
  getRunGraph(runId: string, format: GraphFormat): Promise<GetRunGraphResponse>;
  /** In full: those that could start if there were somebody to start them. */
  listReadyTasks(runId: string): AsyncIterable<Task>;
  /** At most so many, however many calls that takes. */
  listRuns(filter: RunFilter, limit: number, pageToken: string): Promise<RunPage>;
  /** `json`: what it brings, as JSON text; undefined: nothing. */
  signalRun(runId: string, name: string, json: string | undefined): Promise<SignalRunResponse>;
  cancelRun(runId: string, message: string): Promise<CancelRunResponse>;
  pauseRun(runId: string, message: string): Promise<PauseRunResponse>;
  resumeRun(runId: string): Promise<ResumeRunResponse>;
  changeDependencies(runId: string, taskKey: string, change: DependencyChange): Promise<void>;
  rerunRun(runId: string, tasks: RerunInput): Promise<RerunRunResponse>;
  copyRun(runId: string, part: CopyInput): Promise<CopyRunResponse>;
  archiveRun(runId: string): Promise<void>;
  unarchiveRun(runId: string): Promise<void>;
  deleteRun(runId: string): Promise<void>;
  /** In milliseconds; undefined: for ever. */
  getRetention(): Promise<number | undefined>;
  setRetention(keep: DurationInput | undefined): Promise<void>;
  putWorkflow(template: WorkflowTemplate): Promise<PutWorkflowResponse>;
  getWorkflow(workflow: WorkflowName): Promise<Workflow>;
  /** The latest version of each; with a name: the versions of that one. */
  listWorkflows(name: string): AsyncIterable<Workflow>;
  deleteWorkflow(workflow: WorkflowName): Promise<DeleteWorkflowResponse>;
  listExecutors(capability: string): AsyncIterable<Executor>;
  /** All events of the run from its first to its last. */
  watchRun(runId: string): AsyncIterable<Event>;
  close(): void;
}
