// Changes of final runs on their way to the store's threads: which values, in which order. The other sides
// are write-run-changes.ts and read-retention.ts.

import type { RunChange, RunChangeOutcome, RunLifeStore } from '../port-run-life.ts';
import { packRequest } from './batch-codec.ts';
import type { Packer } from './packing.ts';
import { unpackAll } from './row-codec.ts';
import type { WorkerClient } from './worker-client.ts';

export function createRunLife(writer: WorkerClient, reader: WorkerClient): RunLifeStore {
  return {
    changeRun: async (change) => {
      const output = await writer.request('changeRun', (input) => packChange(input, change));
      return output.string() as RunChangeOutcome;
    },
    sweepDeletedRuns: async (limit) => {
      const output = await writer.request('sweepDeletedRuns', (input) => input.number(limit));
      return output.number();
    },
    setRetention: async ({ namespace, retentionMs, requests }) => {
      await writer.request('setRetention', (input) => {
        input.string(namespace);
        input.optionalNumber(retentionMs);
        input.number(requests.length);
        for (const request of requests) packRequest(input, request);
      });
    },
    getRetention: async (namespace) => {
      const output = await reader.request('getRetention', (input) => input.string(namespace));
      return unpackAll(output, (row) => row.optionalNumber())[0];
    },
    findExpiredRuns: async (nowMs, defaultMs, limit) => {
      const output = await reader.request('findExpiredRuns', (input) => {
        input.number(nowMs);
        input.optionalNumber(defaultMs);
        input.number(limit);
      });
      return unpackAll(output, (row) => ({
        namespace: row.string(),
        run: row.number(),
        runId: row.string(),
        endedBeforeMs: row.number(),
      }));
    },
    findLinkingRuns: async (namespace, run, limit) => {
      const output = await reader.request('findLinkingRuns', (input) => {
        input.string(namespace);
        input.number(run);
        input.number(limit);
      });
      return unpackAll(output, (row) => row.string());
    },
  };
}

function packChange(output: Packer, { namespace, epoch, run, action, requests }: RunChange): void {
  output.string(namespace);
  output.number(epoch);
  output.number(run);
  output.string(action.type);
  output.optionalNumber(action.type === 'EXPIRE' ? action.endedBeforeMs : undefined);
  output.number(requests.length);
  for (const request of requests) packRequest(output, request);
}
