// How are final runs archived, deleted and kept?

import { create } from '@bufbuild/protobuf';
import {
  type ArchiveRunRequest,
  ArchiveRunRequestSchema,
  type ArchiveRunResponse,
  ArchiveRunResponseSchema,
  type DeleteRunRequest,
  DeleteRunRequestSchema,
  type DeleteRunResponse,
  DeleteRunResponseSchema,
  type GetRetentionRequest,
  type GetRetentionResponse,
  GetRetentionResponseSchema,
  type SetRetentionRequest,
  SetRetentionRequestSchema,
  type SetRetentionResponse,
  SetRetentionResponseSchema,
  type UnarchiveRunRequest,
  UnarchiveRunRequestSchema,
  type UnarchiveRunResponse,
  UnarchiveRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { accept } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { durationFromMs, durationToMs } from '../../wire/time.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';

export interface RunLifeHandlers {
  readonly archiveRun: UnaryHandler<ArchiveRunRequest, ArchiveRunResponse>;
  readonly unarchiveRun: UnaryHandler<UnarchiveRunRequest, UnarchiveRunResponse>;
  readonly deleteRun: UnaryHandler<DeleteRunRequest, DeleteRunResponse>;
  readonly getRetention: UnaryHandler<GetRetentionRequest, GetRetentionResponse>;
  readonly setRetention: UnaryHandler<SetRetentionRequest, SetRetentionResponse>;
}

export function createRunLifeHandlers({ runLife }: Pick<Orchestrator, 'runLife'>): RunLifeHandlers {
  return {
    async archiveRun(request) {
      const key = requestKeyOf(ArchiveRunRequestSchema, request);
      const input = { runId: request.runId, action: 'ARCHIVE', request: key } as const;
      const reply = await runLife.change(namespaceOf(request), input);
      return reply.ok ? accept(create(ArchiveRunResponseSchema)) : reply;
    },

    async unarchiveRun(request) {
      const key = requestKeyOf(UnarchiveRunRequestSchema, request);
      const input = { runId: request.runId, action: 'UNARCHIVE', request: key } as const;
      const reply = await runLife.change(namespaceOf(request), input);
      return reply.ok ? accept(create(UnarchiveRunResponseSchema)) : reply;
    },

    async deleteRun(request) {
      const key = requestKeyOf(DeleteRunRequestSchema, request);
      const input = { runId: request.runId, action: 'DELETE', request: key } as const;
      const reply = await runLife.change(namespaceOf(request), input);
      return reply.ok ? accept(create(DeleteRunResponseSchema)) : reply;
    },

    async getRetention(request) {
      const reply = await runLife.getRetention(namespaceOf(request));
      if (!reply.ok) return reply;
      const keep = reply.value === undefined ? {} : { keep: durationFromMs(reply.value) };
      return accept(create(GetRetentionResponseSchema, keep));
    },

    async setRetention(request) {
      const retentionMs = request.keep && durationToMs(request.keep);
      const key = requestKeyOf(SetRetentionRequestSchema, request);
      const reply = await runLife.setRetention(namespaceOf(request), { retentionMs, request: key });
      return reply.ok ? accept(create(SetRetentionResponseSchema)) : reply;
    },
  };
}
