// Workflows on their way to and from the store's threads: which values, in which order. The other sides are
// write-workflows.ts and read-workflows.ts.

import type { Store, WorkflowChange, WorkflowRow, WorkflowSummary } from '../port.ts';
import { packRequest } from './batch-codec.ts';
import type { Packer, Unpacker } from './packing.ts';
import { unpackAll } from './row-codec.ts';
import type { WorkerClient } from './worker-client.ts';

export type WorkflowReads = Pick<
  Store,
  'getWorkflow' | 'countWorkflows' | 'listWorkflows' | 'listWorkflowVersions'
>;

export function packWorkflowChange(output: Packer, change: WorkflowChange): void {
  const { namespace, add, remove, requests, references } = change;
  output.string(namespace);
  output.number(add === undefined ? 0 : 1);
  if (add !== undefined) {
    output.string(add.name);
    output.number(add.version);
    output.string(add.description);
    output.number(add.createdAtMs);
    output.string(add.digest);
    output.bytes(add.template);
    output.number(references.length);
    for (const sha256 of references) output.string(sha256);
  }
  output.number(remove === undefined ? 0 : 1);
  if (remove !== undefined) {
    output.string(remove.name);
    output.optionalNumber(remove.version);
  }
  output.number(requests.length);
  for (const request of requests) packRequest(output, request);
}

export function createWorkflowReads(reader: WorkerClient): WorkflowReads {
  return {
    getWorkflow: async (namespace, name, version) => {
      const output = await reader.request('getWorkflow', (input) => {
        input.string(namespace);
        input.string(name);
        input.optionalNumber(version);
      });
      return unpackAll(output, unpackWorkflow)[0];
    },
    countWorkflows: async (namespace, name) => {
      const output = await reader.request('countWorkflows', (input) => {
        input.string(namespace);
        input.string(name);
      });
      return { workflows: output.number(), versions: output.number(), lastVersion: output.number() };
    },
    listWorkflows: async (namespace, afterName, limit) => {
      const output = await reader.request('listWorkflows', (input) => {
        input.string(namespace);
        input.string(afterName);
        input.number(limit);
      });
      return unpackAll(output, unpackSummary);
    },
    listWorkflowVersions: async (namespace, name, before, limit) => {
      const output = await reader.request('listWorkflowVersions', (input) => {
        input.string(namespace);
        input.string(name);
        input.optionalNumber(before);
        input.number(limit);
      });
      return unpackAll(output, unpackSummary);
    },
  };
}

function unpackSummary(input: Unpacker): WorkflowSummary {
  return {
    name: input.string(),
    version: input.number(),
    description: input.string(),
    createdAtMs: input.number(),
  };
}

function unpackWorkflow(input: Unpacker): WorkflowRow {
  return { ...unpackSummary(input), digest: input.string(), template: input.bytes() };
}
