// How are runs paused, resumed and done again?

import { create } from '@bufbuild/protobuf';
import { RerunScope as RerunScopeMessage } from '@tutti/proto/tutti/v1/event_pb.ts';
import {
  type PauseRunRequest,
  PauseRunRequestSchema,
  type PauseRunResponse,
  PauseRunResponseSchema,
  type RerunRunRequest,
  RerunRunRequestSchema,
  type RerunRunResponse,
  RerunRunResponseSchema,
  type ResumeRunRequest,
  ResumeRunRequestSchema,
  type ResumeRunResponse,
  ResumeRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import type { RerunScope } from '../../domain/events.ts';
import { accept, type Refusal, reject } from '../../domain/rejection.ts';
import type { Orchestrator } from '../../runtime/orchestrator.ts';
import { namespaceOf } from '../call.ts';
import { requestKeyOf } from '../fingerprint.ts';
import type { UnaryHandler } from '../method.ts';

export interface RunControlHandlers {
  readonly pauseRun: UnaryHandler<PauseRunRequest, PauseRunResponse>;
  readonly resumeRun: UnaryHandler<ResumeRunRequest, ResumeRunResponse>;
  readonly rerunRun: UnaryHandler<RerunRunRequest, RerunRunResponse>;
}

export function createRunControlHandlers(orchestrator: Pick<Orchestrator, 'call'>): RunControlHandlers {
  return {
    async pauseRun(request) {
      const { runId, message } = request;
      const input = { runId, message, request: requestKeyOf(PauseRunRequestSchema, request) };
      const reply = await orchestrator.call(namespaceOf(request), 'PauseRun', input);
      return reply.ok ? accept(create(PauseRunResponseSchema)) : reply;
    },

    async resumeRun(request) {
      const input = { runId: request.runId, request: requestKeyOf(ResumeRunRequestSchema, request) };
      const reply = await orchestrator.call(namespaceOf(request), 'ResumeRun', input);
      return reply.ok ? accept(create(ResumeRunResponseSchema)) : reply;
    },

    async rerunRun(request) {
      const { runId, taskKey } = request;
      const scope = SCOPES[request.scope];
      const misplaced = scope === undefined ? unknownScope(request.scope) : refuseMisplaced(scope, taskKey);
      if (misplaced !== undefined || scope === undefined) return misplaced ?? unknownScope(request.scope);
      const key = requestKeyOf(RerunRunRequestSchema, request);
      const input = { runId, scope, taskKey, run: undefined, request: key };
      const reply = await orchestrator.call(namespaceOf(request), 'RerunRun', input);
      if (!reply.ok) return reply;
      const { resetCount, revision } = reply.value;
      return accept(create(RerunRunResponseSchema, { resetCount, revision: BigInt(revision) }));
    },
  };
}

const SCOPES: Readonly<Partial<Record<RerunScopeMessage, RerunScope>>> = {
  [RerunScopeMessage.FAILED]: 'FAILED',
  [RerunScopeMessage.FROM]: 'FROM',
  [RerunScopeMessage.ALL]: 'ALL',
};

function unknownScope(scope: number): Refusal {
  const message = `scope ${scope} is unknown; ask for RERUN_SCOPE_FAILED, RERUN_SCOPE_FROM or RERUN_SCOPE_ALL`;
  return reject('INVALID_FIELD', message, { field: 'scope' }, 'scope');
}

/** A key that the scope would ignore, or one that is missing. */
function refuseMisplaced(scope: RerunScope, taskKey: string): Refusal | undefined {
  if ((scope === 'FROM') === (taskKey !== '')) return undefined;
  const message =
    scope === 'FROM'
      ? 'RERUN_SCOPE_FROM needs the task_key to begin from'
      : `task_key is "${taskKey}", which only RERUN_SCOPE_FROM looks at; leave it out, or ask for that`;
  return reject('INVALID_FIELD', message, { field: 'task_key' }, 'task_key');
}
