// Which executors are there?

import { create } from '@bufbuild/protobuf';
import {
  type Executor,
  ExecutorSchema,
  ExecutorState,
  type ListExecutorsRequest,
  type ListExecutorsResponse,
  ListExecutorsResponseSchema,
} from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { accept } from '../../domain/rejection.ts';
import type { ExecutorSnapshot } from '../../engine/inputs.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { timestampFromMs } from '../../wire/time.ts';
import { namespaceOf } from '../call.ts';
import type { UnaryHandler } from '../method.ts';
import { countFitting, pageSizeOf, readPageToken, writePageToken } from '../page.ts';

export interface ExecutorHandlers {
  readonly listExecutors: UnaryHandler<ListExecutorsRequest, ListExecutorsResponse>;
}

export function createExecutorHandlers(orchestrator: Pick<Orchestrator, 'call'>): ExecutorHandlers {
  return {
    async listExecutors(request) {
      const namespace = namespaceOf(request);
      const { capability } = request;
      const paged = { name: 'ListExecutors', fields: [namespace, capability] };
      const after = readPageToken(request.pageToken, paged, '');
      if (!after.ok) return after;
      const reply = await orchestrator.call(namespace, 'ListExecutors', { capability });
      if (!reply.ok) return reply;
      const following = reply.value
        .filter(({ executorId }) => executorId > after.value)
        .sort((a, b) => (a.executorId < b.executorId ? -1 : 1));
      const candidates = following.slice(0, pageSizeOf(request)).map(toExecutorMessage);
      const executors = candidates.slice(0, countFitting(ExecutorSchema, candidates).count);
      const last = executors.at(-1);
      const isLastPage = executors.length === following.length || last === undefined;
      const nextPageToken = isLastPage ? '' : writePageToken(paged, last.executorId);
      return accept(create(ListExecutorsResponseSchema, { executors, nextPageToken }));
    },
  };
}

function toExecutorMessage(executor: ExecutorSnapshot): Executor {
  const { executorId, slots, running } = executor;
  return create(ExecutorSchema, {
    executorId,
    state: executor.draining ? ExecutorState.DRAINING : ExecutorState.ACTIVE,
    capabilities: executor.capabilities.map((capability) => ({ ...capability })),
    labels: { ...executor.labels },
    slots,
    running,
    registerTime: timestampFromMs(executor.registeredAtMs),
    heartbeatTime: timestampFromMs(executor.heardAtMs),
  });
}
