// The workflows of one namespace of the store in memory.

import {
  StoreError,
  type WorkflowChange,
  type WorkflowCounts,
  type WorkflowRow,
  type WorkflowSummary,
} from '../port.ts';
import type { PayloadData } from './payload-data.ts';

export interface WorkflowData {
  /** S7. */
  change(change: WorkflowChange): void;
  get(name: string, version: number | undefined): WorkflowRow | undefined;
  count(name: string): WorkflowCounts;
  list(afterName: string, limit: number): readonly WorkflowSummary[];
  versions(name: string, before: number | undefined, limit: number): readonly WorkflowSummary[];
}

interface Workflow {
  lastVersion: number;
  /** By version. */
  readonly rows: WorkflowRow[];
}

export function createWorkflowData(payloads: Pick<PayloadData, 'refer' | 'release'>): WorkflowData {
  const workflows = new Map<string, Workflow>();

  function add(row: WorkflowRow): void {
    const workflow = workflows.get(row.name) ?? { lastVersion: 0, rows: [] };
    if (row.version <= workflow.lastVersion) {
      const message = `workflow ${row.name}: version ${row.version} cannot follow ${workflow.lastVersion}`;
      throw new StoreError('OUT_OF_ORDER', message);
    }
    workflow.lastVersion = row.version;
    workflow.rows.push({ ...row, template: row.template.slice() });
    workflows.set(row.name, workflow);
  }

  function remove(name: string, version: number | undefined): void {
    const workflow = workflows.get(name);
    if (workflow === undefined) return;
    const left = workflow.rows.filter((row) => version !== undefined && row.version !== version);
    for (const row of workflow.rows) if (!left.includes(row)) payloads.release(holderOf(row));
    workflow.rows.splice(0, workflow.rows.length, ...left);
    if (left.length === 0) workflows.delete(name);
  }

  return {
    change(change) {
      const { add: added } = change;
      if (added !== undefined) add(added);
      if (added !== undefined)
        for (const sha256 of change.references) payloads.refer(holderOf(added), sha256);
      if (change.remove !== undefined) remove(change.remove.name, change.remove.version);
    },
    get(name, version) {
      const rows = workflows.get(name)?.rows ?? [];
      return version === undefined ? rows.at(-1) : rows.find((row) => row.version === version);
    },
    count(name) {
      const { rows = [], lastVersion = 0 } = workflows.get(name) ?? {};
      return { workflows: workflows.size, versions: rows.length, lastVersion };
    },
    list(afterName, limit) {
      const names = [...workflows.keys()].filter((name) => name > afterName).sort();
      const latest = names.flatMap((name) => workflows.get(name)?.rows.at(-1) ?? []);
      return latest.slice(0, limit).map(toSummary);
    },
    versions(name, before, limit) {
      const rows = workflows.get(name)?.rows ?? [];
      const below = rows.filter((row) => before === undefined || row.version < before);
      return below.reverse().slice(0, limit).map(toSummary);
    },
  };
}

function holderOf({ name, version }: WorkflowSummary): string {
  return `workflow ${name}@${version}`;
}

function toSummary({ name, version, description, createdAtMs }: WorkflowRow): WorkflowSummary {
  return { name, version, description, createdAtMs };
}
