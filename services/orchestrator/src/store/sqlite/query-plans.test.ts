// Every lookup walks an index in the order it answers in: none scans a table, none sorts one.

import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { createPacker, createUnpacker } from './packing.ts';
import { createEventHandlers } from './read-events.ts';
import { createRetentionHandlers } from './read-retention.ts';
import { createLookupHandlers } from './read-runs.ts';
import { createWorkflowHandlers } from './read-workflows.ts';
import { migrate } from './schema.ts';
import { createRunChangeHandlers } from './write-run-changes.ts';

interface Plan {
  readonly sql: string;
  readonly steps: readonly string[];
}

/** A database that notes the plan of everything that is prepared on it. */
function createObserved(): { readonly database: DatabaseSync; readonly plans: Plan[] } {
  const database = new DatabaseSync(':memory:');
  migrate(database, ':memory:');
  const plans: Plan[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (sql, ...rest) => {
    const steps = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    plans.push({ sql, steps: steps.map((step) => String(step['detail'])) });
    return prepare(sql, ...rest);
  };
  return { database, plans };
}

function listRuns(database: DatabaseSync, phases: readonly number[], labels: readonly string[]): void {
  const input = createPacker();
  input.string('any');
  input.number(phases.length);
  for (const phase of phases) input.number(phase);
  input.number(labels.length);
  for (const label of labels) {
    input.string(label);
    input.string('value');
  }
  for (const bound of [1, 2, 3]) input.optionalNumber(bound);
  input.number(10);
  createLookupHandlers(database, () => 1)['listRuns']?.(createUnpacker(input.finish()), createPacker());
}

it('walks indexes only', () => {
  const { database, plans } = createObserved();
  createEventHandlers(database, () => 1);
  createWorkflowHandlers(database, () => 1);
  createRetentionHandlers(database, () => 1);
  createRunChangeHandlers(database);
  for (const phases of [[], [1], [1, 2]]) {
    for (const labels of [[], ['a'], ['a', 'b']]) listRuns(database, phases, labels);
  }
  expect(plans.length).toBeGreaterThan(15);
  for (const { sql, steps } of plans) {
    const costly = steps.filter((step) => /^SCAN (?!CONSTANT ROW)|TEMP B-TREE/.test(step));
    // Which namespaces are active, and which runs have expired, is asked rarely, and of all namespaces.
    const allowed = costly.filter(
      (step) => !/^SCAN (namespaces( USING .*)?|deleted_runs|json_each .*)$/.test(step),
    );
    expect(allowed, sql).toEqual([]);
  }
  const getTask = plans.find(({ sql }) => sql.includes('task_key = ?3'));
  expect(getTask?.steps).toContain('SEARCH tasks USING INDEX tasks_by_key (run=? AND task_key=?)');
});
