// How are the services bound to Connect, gRPC-Web and plain JSON?

import { type ConnectError, type ConnectRouter, createContextKey } from '@connectrpc/connect';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import type { Services } from '../services/index.ts';

/** Ends the response of a reader that takes nothing. Set by the adapter. */
export const CUT = createContextKey<((error: ConnectError) => void) | undefined>(undefined);

export function bindRoutes(router: ConnectRouter, services: Services): void {
  const { watch } = services.orchestrator;
  router.service(OrchestratorService, {
    ...services.orchestrator,
    watch: (request, { signal, requestHeader, values }) =>
      watch(request, { signal, requestHeader, cut: values.get(CUT) }),
  });
  router.service(RunLifeService, services.runLife);
  router.service(WorkflowService, services.workflows);
  router.service(PayloadService, services.payloads);
  router.service(ExecutorService, services.executors);
}
