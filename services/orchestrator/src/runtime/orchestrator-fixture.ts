import { accept } from '../domain/rejection.ts';
// A runtime over a store in memory, for tests: the engine and the driver as shipped, a transport that
// notes what it is given, and a gate before every commit.

import { compileGraph } from '../domain/compile.ts';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import { plainTask } from '../domain/plain-task.ts';
import { NO_SCHEMAS } from '../domain/schema.ts';
import { PLAIN_EDGE, PLAIN_RUN } from '../domain/spec.ts';
import type { Assignment, SubmitRun } from '../engine/inputs.ts';
import { DEFAULT_ENGINE_LIMITS } from '../engine/options.ts';
import { createExpressionCompiler } from '../expressions/compiler.ts';
import { createMemoryPlace, type MemoryPlace, openMemoryStore } from '../store/memory/memory-store.ts';
import type { CommitBatch, Store } from '../store/port.ts';
import {
  createOrchestrator,
  DEFAULT_RUNTIME_LIMITS,
  type RunningOrchestrator,
  type RuntimeLimits,
} from './create-orchestrator.ts';
import type { CommittedEvent, Delivery } from './ports.ts';
import { createSystemClock } from './system-clock.ts';
import { createTokenMint } from './tokens.ts';

export interface Fixture {
  readonly orchestrator: RunningOrchestrator;
  readonly store: Store;
  readonly delivered: Delivery[];
  readonly committed: CommittedEvent[];
  readonly warnings: string[];
  /** Called before each commit; what it returns decides what becomes of it. */
  gate: (batch: CommitBatch) => Promise<CommitFate>;
  assigned(): readonly Assignment[];
}

export type CommitFate = 'COMMIT' | 'FAIL' | 'COMMIT_AND_FAIL';

/** `place`: what an earlier one has left, its store closed. `change`: how this one's store differs. */
export async function startFixture(
  limits: Partial<RuntimeLimits> = {},
  place: MemoryPlace = createMemoryPlace(),
  change: (store: Store) => Partial<Store> = () => ({}),
): Promise<Fixture> {
  const inner = openMemoryStore(place);
  const fixture = {
    delivered: [] as Delivery[],
    committed: [] as CommittedEvent[],
    warnings: [] as string[],
    gate: async (_batch: CommitBatch): Promise<CommitFate> => 'COMMIT',
    assigned: () => fixture.delivered.flatMap((one) => (one.type === 'Assign' ? [one.assignment] : [])),
  };
  const store: Store = {
    ...inner,
    async commit(batch) {
      const fate = await fixture.gate(batch);
      if (fate !== 'FAIL') await inner.commit(batch);
      if (fate !== 'COMMIT') throw new Error('the disk is gone');
    },
    ...change(inner),
  };
  const orchestrator = createOrchestrator({
    expressions: createExpressionCompiler(),
    schemas: NO_SCHEMAS,
    store,
    clock: createSystemClock(),
    transport: { deliver: (_namespace, deliveries) => void fixture.delivered.push(...deliveries) },
    observer: { committed: (_namespace, events) => void fixture.committed.push(...events) },
    engine: {
      ...DEFAULT_ENGINE_LIMITS,
      maxAssignmentBytes: 1_000_000,
      readTasks: () => accept([]),
      mintToken: createTokenMint(),
    },
    limits: { ...DEFAULT_RUNTIME_LIMITS, ...limits },
    commitFinished: () => {},
    warn: (message) => void fixture.warnings.push(message),
  });
  await orchestrator.start();
  return Object.assign(fixture, { orchestrator, store });
}

/** A chain of tasks: each depends on the one before. */
export function chainOf(
  runId: string,
  keys: readonly string[],
  overrides: Partial<SubmitRun> = {},
): SubmitRun {
  const tasks = keys.map((key, index) => {
    const upstream = keys[index - 1];
    return plainTask(key, 'work', {
      dependencies: upstream === undefined ? [] : [{ key: upstream, condition: 'SUCCESS', ...PLAIN_EDGE }],
    });
  });
  const graph = compileGraph(
    {
      name: '',
      labels: {},
      tasks,
      failurePolicy: 'CONTINUE',
      timeoutMs: undefined,
      ...PLAIN_RUN,
    },
    createExpressionCompiler(),
  );
  if (!graph.ok) throw new Error(graph.rejection.message);
  return {
    runId,
    chosen: true,
    onConflict: 'FAIL',
    graph: graph.value,
    traceparent: '',
    request: undefined,
    ...overrides,
  };
}

export interface Worker {
  /** Completes attempts as they are assigned, until `count` are done. */
  complete(count: number): Promise<void>;
}

export async function startWorker(fixture: Fixture, executorId = 'e', slots = 10): Promise<Worker> {
  const { orchestrator } = fixture;
  const registered = await orchestrator.call('default', 'RegisterExecutor', {
    executorId,
    capabilities: [{ name: 'work', version: '', maxConcurrency: 0 }],
    labels: {},
    slots,
    held: [],
    phase: 'ACTIVE',
  });
  if (!registered.ok) throw new Error(registered.rejection.message);
  const { session } = registered.value;
  const done = new Set<string>();
  return {
    async complete(count) {
      for (let completed = 0; completed < count; ) {
        const next = fixture.assigned().find(({ leaseToken }) => !done.has(leaseToken));
        if (next === undefined) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        done.add(next.leaseToken);
        const outcome = { type: 'Completed', result: EMPTY_PAYLOAD } as const;
        const reports = [{ leaseToken: next.leaseToken, outcome, usage: undefined }];
        const reply = await orchestrator.call('default', 'Report', { executorId, session, reports });
        if (!reply.ok) throw new Error(reply.rejection.message);
        completed += 1;
      }
    },
  };
}
