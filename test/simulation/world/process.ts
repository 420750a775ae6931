// One process of the orchestrator: the engine and the runtime as shipped, on a simulated machine.

import { readTasks } from '../../../services/orchestrator/src/api/read-tasks.ts';
import type { ExpressionCompiler } from '../../../services/orchestrator/src/domain/expression.ts';
import type { SchemaChecker } from '../../../services/orchestrator/src/domain/schema.ts';
import type { EngineCalls, EngineCallType } from '../../../services/orchestrator/src/engine/inputs.ts';
import { DEFAULT_ENGINE_LIMITS } from '../../../services/orchestrator/src/engine/options.ts';
import {
  createOrchestrator,
  DEFAULT_RUNTIME_LIMITS,
  type RunningOrchestrator,
} from '../../../services/orchestrator/src/runtime/create-orchestrator.ts';
import type { Clock, Delivery } from '../../../services/orchestrator/src/runtime/ports.ts';
import { StoreError } from '../../../services/orchestrator/src/store/port.ts';
import type { Observation, ProcessId } from '../invariants/observation.ts';
import { Violation } from '../invariants/violation.ts';
import type { Disk } from './disk.ts';
import { createProcessLife, type ProcessLife } from './process-life.ts';
import type { Time } from './time.ts';

export interface Process {
  readonly id: ProcessId;
  readonly life: ProcessLife;
  readonly orchestrator: RunningOrchestrator;
  serves(): boolean;
  /** The answer comes in the process, if at all: who asked hears of it by the network. */
  ask<K extends EngineCallType>(
    namespace: string,
    name: K,
    input: EngineCalls[K]['input'],
    answered: (reply: EngineCalls[K]['reply']) => void,
  ): void;
  kill(how: 'KILL' | 'POWER_LOSS'): void;
  /** As on SIGTERM. */
  stop(): Promise<void>;
}

export interface ProcessDependencies {
  readonly id: ProcessId;
  readonly time: Time;
  readonly disk: Disk;
  /** By how much its clock is ahead. */
  readonly skewMs: number;
  readonly expressions: ExpressionCompiler;
  readonly schemas: SchemaChecker;
  readonly see: (observation: Observation) => void;
  /** Hands deliveries to the network. */
  readonly send: (namespace: string, deliveries: readonly Delivery[]) => void;
  /** Right after the effects of a commit have left. */
  readonly published: () => void;
  /** Something that must never happen. */
  readonly broken: (violation: Violation) => void;
  readonly nextCall: () => number;
  readonly ended: () => void;
}

const MAX_ASSIGNMENT_BYTES = 1_000_000;

export function startProcess(dependencies: ProcessDependencies): Process {
  const { id, time, disk, see, broken } = dependencies;
  const life = createProcessLife(time);
  const now = () => ({ atMs: time.nowMs(), process: id });
  /** What had begun in the moment of its death may still be under way here: none of it gets out. */
  const isOver = () => life.state() === 'ENDED';
  let serves = false;
  let minted = 0;

  see({ type: 'ProcessStarted', ...now(), skewMs: dependencies.skewMs });
  const orchestrator = createOrchestrator({
    store: disk.open(id, life),
    expressions: dependencies.expressions,
    schemas: dependencies.schemas,
    clock: clockOf(time, life, dependencies.skewMs),
    transport: {
      deliver(namespace, deliveries) {
        if (isOver()) return;
        for (const delivery of deliveries) see({ type: 'Delivered', ...now(), namespace, delivery });
        dependencies.send(namespace, deliveries);
      },
    },
    observer: {
      committed(namespace, events) {
        if (isOver()) return;
        see({ type: 'Published', ...now(), namespace, events: events.map(({ payload }) => payload) });
        dependencies.published();
      },
    },
    engine: {
      ...DEFAULT_ENGINE_LIMITS,
      maxAssignmentBytes: MAX_ASSIGNMENT_BYTES,
      readTasks,
      // Never the same twice, in whatever process: that is what random tokens come to.
      mintToken: () => `p${id}.${++minted}`,
    },
    limits: DEFAULT_RUNTIME_LIMITS,
    commitFinished: () => {},
    warn(message, error) {
      if (isOver()) return;
      see({ type: 'ProcessWarned', ...now(), message });
      // A store may fail; code may not.
      if (error instanceof Error && !(error instanceof StoreError)) {
        broken(new Violation('D.1', `${message}: ${error.stack}`));
      }
    },
  });
  orchestrator.start().then(
    () => {
      if (isOver()) return;
      serves = true;
      see({ type: 'ProcessServes', ...now() });
    },
    (error: unknown) => {
      // The store could not be read: a real process ends, and is started again.
      if (error instanceof StoreError) end('KILLED');
      else broken(new Violation('D.1', `it could not start: ${(error as Error).stack}`));
    },
  );

  void orchestrator.replaced.then(() => (isOver() ? undefined : self.stop()));

  function end(how: 'KILLED' | 'STOPPED'): void {
    if (isOver()) return;
    life.end();
    serves = false;
    see({ type: 'ProcessEnded', ...now(), how });
    dependencies.ended();
  }

  const self: Process = {
    id,
    life,
    orchestrator,
    serves: () => serves,
    ask(namespace, name, input, answered) {
      if (isOver()) return;
      const call = dependencies.nextCall();
      see({ type: 'Asked', ...now(), namespace, call, name, input } as Observation);
      orchestrator.call(namespace, name, input).then(
        (reply) => {
          if (isOver()) return;
          see({ type: 'Replied', ...now(), namespace, call, name, input, reply } as Observation);
          answered(reply);
        },
        (error: unknown) => broken(new Violation('D.2', `${name} was rejected: ${(error as Error).stack}`)),
      );
    },
    kill(how) {
      if (isOver()) return;
      disk.killed(id, how);
      end('KILLED');
    },
    async stop() {
      serves = false;
      await orchestrator.stop();
      end('STOPPED');
    },
  };
  return self;
}

/** Its own time goes on while it stands still, as the system's clock does. */
function clockOf(time: Time, life: ProcessLife, skewMs: number): Clock {
  return {
    nowMs: () => time.nowMs() + skewMs,
    soon: (callback) => void life.after(0, callback),
    after: (delayMs, callback) => life.after(Math.max(0, delayMs), callback),
  };
}
