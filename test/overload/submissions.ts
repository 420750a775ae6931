// The calls of the load: each starts so many runs of a single no-op, under a request id of its own.

import { randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  OrchestratorService,
  SubmitRunsRequestSchema,
  SubmitRunsResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type PreparedCall, prepareCall } from './frames.ts';

const ID_DIGITS = 12;

export interface Submissions {
  readonly prepared: PreparedCall;
  readonly runsPerCall: number;
  /** Gives the copy of a prepared call its own request id. */
  readonly fill: (bytes: Buffer) => void;
}

export function prepareSubmissions(address: string, runsPerCall: number): Submissions {
  const requestId = `${randomUUID()}-${'0'.repeat(ID_DIGITS)}`;
  const run = { spec: { tasks: [{ key: 't', capability: 'noop' }] } };
  const request = create(SubmitRunsRequestSchema, {
    requestId,
    runs: Array.from({ length: runsPerCall }, () => run),
  });
  const { parent, name } = OrchestratorService.method.submitRuns;
  const message = toBinary(SubmitRunsRequestSchema, request);
  const prepared = prepareCall(`/${parent.typeName}/${name}`, address, message);
  const idAt = prepared.bytes.indexOf(requestId) + requestId.length - ID_DIGITS;
  let count = 0;
  return {
    prepared,
    runsPerCall,
    fill(bytes) {
      count += 1;
      bytes.write(String(count).padStart(ID_DIGITS, '0'), idAt, 'latin1');
    },
  };
}

/** The runs that were acknowledged in an answer. */
export function acknowledgedIn(message: Uint8Array): string[] {
  return fromBinary(SubmitRunsResponseSchema, message).results.flatMap(({ result }) =>
    result.case === 'submitted' ? [result.value.runId] : [],
  );
}
