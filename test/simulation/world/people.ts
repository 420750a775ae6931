// Who submits runs, and who meddles with them?

import { compileGraph } from '../../../services/orchestrator/src/domain/compile.ts';
import type { Graph } from '../../../services/orchestrator/src/domain/graph.ts';
import type { RunSpec } from '../../../services/orchestrator/src/domain/spec.ts';
import { isFinalRun } from '../../../services/orchestrator/src/domain/states.ts';
import type { SubmitRun } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { RunRow } from '../../../services/orchestrator/src/store/port.ts';
import { Violation } from '../invariants/violation.ts';
import { drawRun } from '../scenario/graphs.ts';
import { type ActionPlan, namespacesOf, type RunPlan } from '../scenario/plan.ts';
import { edge } from '../scenario/tasks.ts';
import type { Cluster } from './cluster.ts';
import { linkTo, storeAndRefer } from './errands.ts';
import { createRandom } from './random.ts';
import { json } from './work.ts';

export interface People {
  submit(plan: RunPlan): void;
  act(action: ActionPlan): void;
  /** Brings what waits for somebody on: once for all that wait at the moment. */
  help(): Promise<void>;
}

const ANY_RUN = {
  phases: [],
  labels: {},
  submittedFromMs: undefined,
  submittedBeforeMs: undefined,
  before: undefined,
  limit: 1_000,
} as const;

const RASH: readonly ActionPlan['kind'][] = ['DELETE', 'ARCHIVE'];
const NEEDS_FINAL: readonly ActionPlan['kind'][] = ['RERUN', 'DELETE', 'ARCHIVE', 'LINK'];

export function createPeople(cluster: Cluster): People {
  const { plan, disk, client } = cluster;
  let requests = 0;

  const request = () => {
    requests += 1;
    return { requestId: `request ${requests}`, fingerprint: 'f' };
  };

  function submission(run: RunPlan): SubmitRun | undefined {
    const spec: RunSpec = drawRun(createRandom(plan.seed, `run/${run.id}`), 0, run.cut);
    const graph = compileGraph(spec, cluster.expressions, cluster.schemas);
    // Some of what is drawn makes no sense: a door would refuse it.
    if (!graph.ok) return undefined;
    return submissionOf(run.id, graph.value);
  }

  function submissionOf(runId: string, graph: Graph): SubmitRun {
    return { runId, chosen: true, onConflict: 'FAIL', graph, traceparent: '', request: request() };
  }

  /** As the store knows them at the moment, the oldest first. */
  function runsOf(namespace: string): Promise<readonly RunRow[]> {
    return disk
      .read()
      .listRuns(namespace, ANY_RUN)
      .then((rows) => [...rows].reverse());
  }

  async function meddle(action: ActionPlan): Promise<void> {
    const { namespace, kind, choice } = action;
    if (kind === 'STORE_INPUT') {
      store(action);
      return;
    }
    // Now and then of one that is not over: that is refused.
    const rashly = RASH.includes(kind) && (choice >> 9) % 4 === 0;
    const wantsFinal = NEEDS_FINAL.includes(kind) && !rashly;
    const fitting = (await runsOf(namespace)).filter(({ phase }) => isFinalRun(phase) === wantsFinal);
    const row = fitting[choice % Math.max(1, fitting.length)];
    if (row === undefined) return;
    const { runId } = row;
    const tasks = await disk.read().listTasks(namespace, row.run, { states: [], after: -1, limit: 100 });
    const taskKey = tasks[(choice >> 3) % tasks.length]?.key ?? '';
    const other = tasks[(choice >> 6) % tasks.length]?.key ?? '';
    switch (kind) {
      case 'CANCEL_RUN':
        client.call(namespace, 'CancelRun', { runId, message: 'simulated', request: request() });
        break;
      case 'CANCEL_TASK':
        client.call(namespace, 'CancelTask', {
          runId,
          taskKey,
          subtree: choice % 2 === 0,
          request: request(),
        });
        break;
      case 'SIGNAL':
        signal(namespace, runId, choice % 2 === 0 ? 'go' : 'on');
        break;
      case 'PAUSE':
        client.call(namespace, 'PauseRun', { runId, message: '', request: request() });
        break;
      case 'RESUME':
        resume(namespace, runId);
        break;
      case 'RERUN': {
        const scope = (['FAILED', 'FROM', 'ALL'] as const)[choice % 3] ?? 'ALL';
        const from = scope === 'FROM' ? taskKey : '';
        client.call(namespace, 'RerunRun', {
          runId,
          scope,
          taskKey: from,
          run: undefined,
          request: request(),
        });
        break;
      }
      case 'CHANGE_DEPENDENCIES':
        client.call(namespace, 'ChangeDependencies', {
          runId,
          taskKey,
          add: choice % 3 === 0 ? [] : [edge(other, 'FINISHED')],
          remove: choice % 2 === 0 ? [] : ['t0'],
          request: request(),
        });
        break;
      case 'DELETE':
      case 'ARCHIVE':
        change(namespace, runId, kind);
        break;
      case 'SUBMIT_AGAIN':
        again(namespace, runId);
        break;
      case 'LINK': {
        const graph = linkTo(cluster, row, tasks);
        if (graph !== undefined) client.call(namespace, 'SubmitRun', submissionOf(action.id, graph));
        break;
      }
    }
  }

  function signal(namespace: string, runId: string, name: string): void {
    client.call(namespace, 'SignalRun', { runId, name, payload: json('ok'), request: request() });
  }

  function resume(namespace: string, runId: string): void {
    client.call(namespace, 'ResumeRun', { runId, request: request() });
  }

  /** Not a call of the engine's: asked once, and not repeated. */
  function change(namespace: string, runId: string, action: 'DELETE' | 'ARCHIVE'): void {
    const process = cluster.route();
    process?.life.after(0, () =>
      process.orchestrator.runLife
        .change(namespace, { runId, action, request: undefined })
        .catch((error: unknown) => cluster.breaks(defect(action, error))),
    );
  }

  /** Asked once, as `change` is; the run that refers to it is submitted as any other. */
  function store({ namespace, id }: ActionPlan): void {
    const process = cluster.route();
    process?.life.after(0, () =>
      storeAndRefer(cluster, process, namespace, id)
        .then((graph) => {
          if (graph === undefined || process.life.state() === 'ENDED') return;
          client.call(namespace, 'SubmitRun', submissionOf(id, graph));
        })
        .catch((error: unknown) => cluster.breaks(defect('STORE_INPUT', error))),
    );
  }

  /** Under an id that exists: refused, or told of the existing run. */
  function again(namespace: string, runId: string): void {
    const own = plan.runs.find(({ id }) => id === runId);
    const input = own === undefined ? undefined : submission(own);
    if (input !== undefined)
      client.call(namespace, 'SubmitRun', { ...input, onConflict: 'USE_EXISTING', request: request() });
  }

  return {
    submit(run) {
      const input = submission(run);
      if (input !== undefined) client.call(run.namespace, 'SubmitRun', input);
    },
    act: (action) => void meddle(action),
    async help() {
      for (const namespace of namespacesOf(plan)) {
        for (const { runId, run, phase, paused } of await runsOf(namespace)) {
          if (isFinalRun(phase)) continue;
          if (paused) resume(namespace, runId);
          const waiting = await disk
            .read()
            .listTasks(namespace, run, { states: ['RUNNING'], after: -1, limit: 100 });
          if (!waiting.some(({ reason }) => reason === 'AWAITING_SIGNAL')) continue;
          signal(namespace, runId, 'go');
          signal(namespace, runId, 'on');
        }
      }
    },
  };
}

function defect(what: string, error: unknown): Violation {
  return new Violation(
    'D.2',
    `${what} was rejected: ${error instanceof Error ? error.stack : String(error)}`,
  );
}
