// How do attempts add tasks to their run, and how do people change what a task waits for?

import { create } from '@bufbuild/protobuf';
import {
  type AddTasksRequest,
  AddTasksRequestSchema,
  type AddTasksResponse,
  AddTasksResponseSchema,
  type ChangeDependenciesRequest,
  ChangeDependenciesRequestSchema,
  type ChangeDependenciesResponse,
  ChangeDependenciesResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { accept } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { toDependencies, toTaskSpecs } from '../../wire/spec.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';

export interface GrowthHandlers {
  readonly addTasks: UnaryHandler<AddTasksRequest, AddTasksResponse>;
  readonly changeDependencies: UnaryHandler<ChangeDependenciesRequest, ChangeDependenciesResponse>;
}

export function createGrowthHandlers(orchestrator: Pick<Orchestrator, 'call'>): GrowthHandlers {
  return {
    async addTasks(request) {
      const { runId, leaseToken } = request;
      const tasks = toTaskSpecs(request.tasks);
      if (!tasks.ok) return tasks;
      const key = requestKeyOf(AddTasksRequestSchema, request);
      const input = { by: { type: 'RUN', runId }, leaseToken, tasks: tasks.value, request: key } as const;
      const reply = await orchestrator.call(namespaceOf(request), 'AddTasks', input);
      return reply.ok ? accept(create(AddTasksResponseSchema, { ...reply.value })) : reply;
    },

    async changeDependencies(request) {
      const { runId, taskKey, remove } = request;
      const add = toDependencies(request.add, taskKey, 'add');
      if (!add.ok) return add;
      const key = requestKeyOf(ChangeDependenciesRequestSchema, request);
      const input = { runId, taskKey, add: add.value, remove, request: key };
      const reply = await orchestrator.call(namespaceOf(request), 'ChangeDependencies', input);
      return reply.ok ? accept(create(ChangeDependenciesResponseSchema)) : reply;
    },
  };
}
