// How do runs stand? Reads of what is durable.

import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type GetRunRequest,
  type GetRunResponse,
  GetRunResponseSchema,
  type ListRunsRequest,
  type ListRunsResponse,
  ListRunsResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { accept, type Result } from '../../domain/rejection.ts';
import { runNotFound } from '../../engine/requests.ts';
import type { StoreQueries } from '../../runtime/orchestrator.ts';
import type { RunRow } from '../../store/port.ts';
import { runPhaseFromWire } from '../../wire/enums.ts';
import { payloadFormFromWire } from '../../wire/payload-form.ts';
import { timestampToMs } from '../../wire/time.ts';
import { namespaceOf } from '../call.ts';
import { toFullRunMessage, toRunMessage } from '../messages/run.ts';
import type { UnaryHandler } from '../method.ts';
import { countFitting, type PagedCall, pageSizeOf, readPageToken, writePageToken } from '../page.ts';
import { onlyKnown } from './states.ts';

/** Larger than any run number: the first page begins at the latest run. */
const LATEST = Number.MAX_SAFE_INTEGER;

export interface RunHandlers {
  readonly getRun: UnaryHandler<GetRunRequest, GetRunResponse>;
  readonly listRuns: UnaryHandler<ListRunsRequest, ListRunsResponse>;
}

export function createRunHandlers(
  queries: Pick<StoreQueries, 'getRun' | 'getRunRecord' | 'listRuns' | 'readEvents'>,
): RunHandlers {
  return {
    async getRun(request) {
      const namespace = namespaceOf(request);
      const row = await findRun(queries, namespace, request.runId);
      if (!row.ok) return row;
      const form = payloadFormFromWire(request.payloadForm);
      const run = await toFullRunMessage(queries, namespace, row.value, form);
      return accept(create(GetRunResponseSchema, { run }));
    },

    async listRuns(request) {
      const namespace = namespaceOf(request);
      const paged = pagedCall(request);
      const before = readPageToken(request.pageToken, paged, LATEST);
      if (!before.ok) return before;
      const phases = onlyKnown(request.states, runPhaseFromWire);
      if (!phases.ok) return phases;
      const pageSize = pageSizeOf(request);
      const rows = await queries.listRuns(namespace, {
        phases: phases.value,
        labels: request.labels,
        submittedFromMs: request.submittedAfter && roundedUp(request.submittedAfter),
        submittedBeforeMs: request.submittedBefore && roundedUp(request.submittedBefore),
        before: before.value === LATEST ? undefined : before.value,
        // One more tells whether there is a next page.
        limit: pageSize + 1,
      });
      const candidates = rows.slice(0, pageSize).map((row) => toRunMessage(namespace, row));
      const runs = candidates.slice(0, countFitting(RunSchema, candidates).count);
      const last = rows[runs.length - 1];
      const isLastPage = runs.length === rows.length || last === undefined;
      const nextPageToken = isLastPage ? '' : writePageToken(paged, last.run);
      return accept(create(ListRunsResponseSchema, { runs, nextPageToken }));
    },
  };
}

export async function findRun(
  queries: Pick<StoreQueries, 'getRun'>,
  namespace: string,
  runId: string,
): Promise<Result<RunRow>> {
  const row = await queries.getRun(namespace, runId);
  return row === undefined ? runNotFound(namespace, runId) : accept(row);
}

/** Runs have whole milliseconds, so both bounds fall on the next one. */
function roundedUp(timestamp: Timestamp): number {
  return timestampToMs(timestamp) + (timestamp.nanos % 1_000_000 === 0 ? 0 : 1);
}

function pagedCall(request: ListRunsRequest): PagedCall {
  const labels = Object.entries(request.labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const times = [request.submittedAfter, request.submittedBefore].map((time) => time && timestampToMs(time));
  return { name: 'ListRuns', fields: [namespaceOf(request), request.states, labels, times] };
}
