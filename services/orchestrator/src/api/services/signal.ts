// How is a run given a signal?

import { create } from '@bufbuild/protobuf';
import {
  type SignalRunRequest,
  SignalRunRequestSchema,
  type SignalRunResponse,
  SignalRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { accept, reject } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { acceptPayload } from '../../wire/limits.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';

export interface SignalHandlers {
  readonly signalRun: UnaryHandler<SignalRunRequest, SignalRunResponse>;
}

export function createSignalHandlers(orchestrator: Pick<Orchestrator, 'call'>): SignalHandlers {
  return {
    async signalRun(request) {
      const { runId, name } = request;
      if (name === '') {
        const message = 'name is missing: say which signal it is, as the `signal` of the task that waits';
        return reject('INVALID_FIELD', message, { field: 'name' }, 'name');
      }
      const payload = acceptPayload(request.payload, 'payload');
      if (!payload.ok) return payload;
      const key = requestKeyOf(SignalRunRequestSchema, request);
      const input = { runId, name, payload: payload.value, request: key };
      const reply = await orchestrator.call(namespaceOf(request), 'SignalRun', input);
      return reply.ok ? accept(create(SignalRunResponseSchema, { ...reply.value })) : reply;
    },
  };
}
