// How are payloads put and told that are stored apart?

import type {
  GetPayloadRequest,
  GetPayloadResponse,
  PutPayloadRequest,
  PutPayloadResponse,
} from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { accept } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { partOf, partToWire, progressToWire, wantedOf } from '../../wire/payload-parts.ts';
import { namespaceOf } from '../call.ts';
import type { UnaryHandler } from '../method.ts';

export interface PayloadHandlers {
  readonly putPayload: UnaryHandler<PutPayloadRequest, PutPayloadResponse>;
  readonly getPayload: UnaryHandler<GetPayloadRequest, GetPayloadResponse>;
}

export function createPayloadHandlers({ payloads }: Pick<Orchestrator, 'payloads'>): PayloadHandlers {
  return {
    async putPayload(request) {
      const progress = await payloads.put(partOf(namespaceOf(request), request));
      return progress.ok ? accept(progressToWire(progress.value)) : progress;
    },
    async getPayload(request) {
      const { sha256, offset, limitBytes } = wantedOf(request);
      const part = await payloads.get(namespaceOf(request), sha256, offset, limitBytes);
      return part.ok ? accept(partToWire(part.value)) : part;
    },
  };
}
