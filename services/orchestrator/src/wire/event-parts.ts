// The parts that events of the wire have in common.

import { create } from '@bufbuild/protobuf';
import { type TaskError as TaskErrorMessage, TaskErrorSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import type { TaskError, Usage } from '../domain/events.ts';
import type { Graph } from '../domain/graph.ts';
import { fromPayload, toPayload } from './payload.ts';

export function keyOf(graph: Graph, task: number): string {
  const spec = graph.spec.tasks[task];
  if (spec === undefined) throw new Error(`the run has no task with the index ${task}`);
  return spec.key;
}

export function indexOf(graph: Graph, key: string): number {
  const index = graph.indexOf(key);
  if (index === undefined) throw new Error(`stored event: the run has no task '${key}'`);
  return index;
}

export function toTaskErrorMessage(error: TaskError): TaskErrorMessage {
  const { code, message, details } = error;
  return create(TaskErrorSchema, {
    code,
    message,
    ...(details === undefined ? {} : { details: fromPayload(details, 'BYTES') }),
  });
}

export function fromTaskErrorMessage(message: TaskErrorMessage): TaskError {
  const { code, message: text, details } = message;
  return { code, message: text, details: details === undefined ? undefined : toPayload(details) };
}

export function toUsage(usage: Usage | undefined): { [name: string]: number } {
  return { ...usage };
}

export function fromUsage(usage: { [name: string]: number }): Usage | undefined {
  return Object.keys(usage).length === 0 ? undefined : usage;
}
