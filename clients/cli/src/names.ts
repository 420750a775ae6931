// What is an enum value called by people? `RUN_STATE_COMPLETED` is `COMPLETED`.

import type { DescEnum } from '@bufbuild/protobuf';
import { ExecutorStateSchema } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { RunStateSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { StateReasonSchema } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { AttemptStateSchema, TaskStateSchema } from '@tutti/proto/tutti/v1/task_pb.ts';

export const runStateName = (value: number): string => nameOf(RunStateSchema, value);
export const taskStateName = (value: number): string => nameOf(TaskStateSchema, value);
export const attemptStateName = (value: number): string => nameOf(AttemptStateSchema, value);
export const executorStateName = (value: number): string => nameOf(ExecutorStateSchema, value);

/** Empty where the state says it all. */
export const stateReasonName = (value: number): string =>
  value === 0 ? '' : nameOf(StateReasonSchema, value);

/** A value that this version does not know is shown as its number. */
function nameOf(desc: DescEnum, value: number): string {
  return desc.value[value]?.localName ?? String(value);
}
