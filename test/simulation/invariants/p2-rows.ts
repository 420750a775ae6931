// P2, too: the rows that answer questions agree with the events, and each request has its one effect.

import { createInputSchemas } from '../../../services/orchestrator/src/api/input-schema.ts';
import { createSchemaChecker } from '../../../services/orchestrator/src/api/schema-checker.ts';
import { createExpressionCompiler } from '../../../services/orchestrator/src/expressions/compiler.ts';
import { loadRun } from '../../../services/orchestrator/src/runtime/load.ts';
import type {
  RunRow,
  RunStatusRow,
  Store,
  TaskStatusRow,
} from '../../../services/orchestrator/src/store/port.ts';
import { type Check, hold, type Seen } from './check.ts';
import { effectOf, uncausedIn } from './effects.ts';
import type { RunModel, TaskModel } from './ledger.ts';
import { EVERY_RUN } from './p1-acknowledged.ts';

/** They keep nothing but what was compiled once. */
const expressions = createExpressionCompiler();
const schemas = createSchemaChecker(createInputSchemas());

export function checkRows({ ledger, calls }: Seen): Check {
  return {
    see(observation) {
      if (observation.type !== 'Durable') return;
      const { batch } = observation;
      const namespace = ledger.of(batch.namespace);
      for (const number of new Set(batch.events.map(({ run }) => run))) {
        const run = namespace.runs.get(number);
        const at = `${batch.namespace}@${batch.events.at(-1)?.revision} ${run?.runId}`;
        const row = batch.runs.find((each) => each.run === number);
        hold('P2.6', row !== undefined, () => `${at}: the commit leaves the run's row as it was`);
        if (run !== undefined && row !== undefined) agreesRun(run, row, at);
      }
      const rows = new Map(batch.tasks.map((row) => [`${row.run}/${row.task}`, row]));
      for (const name of new Set(batch.events.map(({ run, task }) => `${run}/${task}`))) {
        const [number, index] = name.split('/').map(Number);
        const task = namespace.runs.get(number ?? 0)?.tasks[index ?? -1];
        if (task === undefined) continue;
        const at = `${batch.namespace}@${batch.events.at(-1)?.revision} ${name} ${task.key}`;
        const row = rows.get(name);
        hold('P2.6', row !== undefined, () => `${at}: the commit leaves the task's row as it was`);
        if (row !== undefined) agreesTask(task, row, at);
      }
      for (const request of batch.requests) {
        const asked = calls.request(batch.namespace, request.requestId);
        hold(
          'P2.7',
          asked !== undefined,
          () => `${batch.namespace}: nobody has asked for ${request.requestId}`,
        );
        if (asked === undefined) continue;
        const problem = effectOf(namespace, batch, asked, request);
        hold(
          'P2.7',
          problem === undefined,
          () => `${batch.namespace}: ${asked.name} ${request.requestId}: ${problem}`,
        );
      }
      const uncaused = uncausedIn(namespace, batch, calls);
      hold('P2.7', uncaused === undefined, () => `${batch.namespace}: ${uncaused}`);
    },

    async atRest(store) {
      for (const namespace of ledger.namespaces.values()) {
        for (const row of await store.listRuns(namespace.name, EVERY_RUN)) {
          const model = namespace.runs.get(row.run);
          const at = `${namespace.name}: ${row.runId}@${row.run}`;
          hold('P2.9', model?.runId === row.runId, () => `${at} has a row, but no events that begin it`);
          if (model !== undefined) await agreesAtRest(store, model, row, at);
        }
      }
    },
  };
}

/** After a commit, or in the end. */
type RowInvariant = 'P2.6' | 'P2.9';

function agreesRun(run: RunModel, row: RunStatusRow, at: string, id: RowInvariant = 'P2.6'): void {
  const counts: Record<string, number> = {};
  for (const { state } of run.tasks) counts[state] = (counts[state] ?? 0) + 1;
  const counted = Object.entries(row.counts).every(([state, count]) => (counts[state] ?? 0) === count);
  const agrees =
    row.phase === run.phase &&
    row.paused === run.paused &&
    row.lastRevision === run.lastRevision &&
    row.endedAtMs === run.endedAtMs &&
    counted;
  hold(id, agrees, () => {
    const { phase, paused, lastRevision, endedAtMs } = run;
    const events = JSON.stringify({ phase, paused, lastRevision, endedAtMs, counts });
    return `${at}: its row says ${JSON.stringify(row)}, its events ${events}`;
  });
}

function agreesTask(task: TaskModel, row: TaskStatusRow, at: string, id: RowInvariant = 'P2.6'): void {
  const agrees =
    row.state === task.state &&
    row.attemptCount === task.attempts &&
    row.firstReadyAtMs === task.firstReadyAtMs &&
    row.startedAtMs === task.firstStartedAtMs &&
    row.endedAtMs === task.endedAtMs;
  hold(id, agrees, () => {
    const { state, attempts, firstReadyAtMs, firstStartedAtMs, endedAtMs } = task;
    const events = JSON.stringify({ state, attempts, firstReadyAtMs, firstStartedAtMs, endedAtMs });
    return `${at}: its row says ${JSON.stringify(row)}, its events ${events}`;
  });
}

/** The row, the rows of its tasks, and what a restart would make of its events. */
async function agreesAtRest(store: Store, run: RunModel, row: RunRow, at: string): Promise<void> {
  agreesRun(run, row, at, 'P2.9');
  const everyTask = { states: [], after: -1, limit: 1_000_000 };
  const tasks = await store.listTasks(run.namespace, run.number, everyTask);
  hold(
    'P2.9',
    tasks.length === run.tasks.length,
    () => `${at}: ${tasks.length} rows of ${run.tasks.length} tasks`,
  );
  for (const [index, taskRow] of tasks.entries()) {
    const task = run.tasks[index];
    if (task !== undefined) agreesTask(task, taskRow, `${at}/${taskRow.key}`, 'P2.9');
  }
  const replayed = await loadRun(store, run.namespace, run.runId, expressions, schemas);
  const told = JSON.stringify({ phase: replayed?.phase, tasks: replayed?.tasks.map(({ state }) => state) });
  const kept = JSON.stringify({ phase: row.phase, tasks: tasks.map(({ state }) => state) });
  hold('P2.9', told === kept, () => `${at}: replaying its events gives ${told}, its rows say ${kept}`);
}
