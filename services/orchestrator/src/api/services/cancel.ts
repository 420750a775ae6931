// How are runs and tasks cancelled?

import { create } from '@bufbuild/protobuf';
import {
  type CancelRunRequest,
  CancelRunRequestSchema,
  type CancelRunResponse,
  CancelRunResponseSchema,
  type CancelTaskRequest,
  CancelTaskRequestSchema,
  type CancelTaskResponse,
  CancelTaskResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { accept } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';

export interface CancelHandlers {
  readonly cancelRun: UnaryHandler<CancelRunRequest, CancelRunResponse>;
  readonly cancelTask: UnaryHandler<CancelTaskRequest, CancelTaskResponse>;
}

export function createCancelHandlers(orchestrator: Pick<Orchestrator, 'call'>): CancelHandlers {
  return {
    async cancelRun(request) {
      const { runId, message } = request;
      const key = requestKeyOf(CancelRunRequestSchema, request);
      const input = { runId, message, request: key };
      const reply = await orchestrator.call(namespaceOf(request), 'CancelRun', input);
      return reply.ok ? accept(create(CancelRunResponseSchema, { ...reply.value })) : reply;
    },

    async cancelTask(request) {
      const { runId, taskKey, subtree } = request;
      const key = requestKeyOf(CancelTaskRequestSchema, request);
      const input = { runId, taskKey, subtree, request: key };
      const reply = await orchestrator.call(namespaceOf(request), 'CancelTask', input);
      return reply.ok ? accept(create(CancelTaskResponseSchema, { ...reply.value })) : reply;
    },
  };
}
