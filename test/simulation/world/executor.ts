// An executor that keeps to the protocol (proto/tutti/v1/executor_protocol.proto), on a network and on a machine
// that may fail it at any moment; and that does, if its plan says so, what it must not do.

import type {
  Assignment,
  AttemptOutcome,
  Cancellation,
  EngineCalls,
} from '../../../services/orchestrator/src/engine/inputs.ts';
import type { Delivery } from '../../../services/orchestrator/src/runtime/ports.ts';
import type { ExecutorPlan } from '../scenario/plan.ts';
import type { Coverage } from './coverage.ts';
import { createProcessLife, type ProcessLife } from './process-life.ts';
import type { Random } from './random.ts';
import type { Time } from './time.ts';
import { additionOf, durationOf, outcomeOf } from './work.ts';

type ProtocolCall = 'RegisterExecutor' | 'Heartbeat' | 'Report' | 'AddTasks';

export interface ExecutorDependencies {
  readonly plan: ExecutorPlan;
  readonly time: Time;
  readonly random: Random;
  readonly coverage: Coverage;
  /** Over the network; the answer may come late, twice or never. */
  readonly ask: <K extends ProtocolCall>(
    name: K,
    input: EngineCalls[K]['input'],
    answered: (reply: EngineCalls[K]['reply']) => void,
  ) => void;
  readonly workBegan: (leaseToken: string) => void;
  /** Tokens that were given to whomever: what a dishonest executor tries. */
  readonly tokens: string[];
}

export interface SimulatedExecutor {
  readonly id: string;
  readonly namespace: string;
  /** A message for it arrives. */
  receive(delivery: Delivery): void;
  /** Its process is killed, and with it everything that it knew. */
  crash(): void;
  /** A new process under the same id. */
  comeBack(): void;
  freeze(): void;
  thaw(): void;
  /** Takes nothing new; leaves once all is done, or at once. */
  leave(how: 'DRAIN' | 'AT_ONCE'): void;
  /** From here on it does what it should. */
  behave(): void;
  /** What it has in hand, and what is not answered yet. */
  busy(): number;
}

interface Job {
  readonly assignment: Assignment;
  /** Undefined while it is at work. */
  outcome: AttemptOutcome | undefined;
  revoke: () => void;
  checkpoint: boolean;
  /** It stands still for good, told to stop or not. */
  hung: boolean;
}

const ANSWER_TIMEOUT_MS = 2_000;
const REGISTER_PAUSE_MS = 1_000;

export function createExecutor(dependencies: ExecutorDependencies): SimulatedExecutor {
  const { plan, time, random, coverage, tokens } = dependencies;
  const { executorId, namespace } = plan;
  let life = createProcessLife(time);
  let honest = plan.honest;
  let session: string | undefined;
  let lastSession = '';
  let registering = false;
  let reporting = false;
  let phase: 'ACTIVE' | 'DRAINING' | 'LEAVING' = 'ACTIVE';
  let heartbeatMs = 5_000;
  let jobs = new Map<string, Job>();
  let done = new Set<string>();

  /** A share of cases in which an executor that is not honest does something. */
  const tempted = (share: number): boolean => !honest && random.chance(share);

  function boot(): void {
    life = createProcessLife(time);
    session = undefined;
    registering = false;
    reporting = false;
    phase = 'ACTIVE';
    jobs = new Map();
    done = new Set();
    register();
    beatLater(life);
  }

  /** Calls back in the process that has asked, once at most. */
  function ask<K extends ProtocolCall>(
    name: K,
    input: EngineCalls[K]['input'],
    answered: (reply: EngineCalls[K]['reply'] | undefined) => void,
  ): void {
    const asking = life;
    let open = true;
    const settle = (reply: EngineCalls[K]['reply'] | undefined): void => {
      if (!open) return;
      open = false;
      answered(reply);
    };
    dependencies.ask(name, input, (reply) => void asking.after(0, () => settle(reply)));
    asking.after(ANSWER_TIMEOUT_MS, () => settle(undefined));
  }

  function register(): void {
    if (registering || phase === 'LEAVING') return;
    registering = true;
    session = undefined;
    const { capabilities, slots } = plan;
    const held = [...jobs.keys()].filter(() => !tempted(0.1));
    const stated = phase === 'DRAINING' ? 'DRAINING' : 'ACTIVE';
    const input = { executorId, capabilities, labels: {}, slots, held, phase: stated } as const;
    ask('RegisterExecutor', input, (reply) => {
      registering = false;
      if (!reply?.ok) {
        life.after(REGISTER_PAUSE_MS, register);
        return;
      }
      session = reply.value.session;
      heartbeatMs = reply.value.heartbeatIntervalMs;
      const kept = new Set(reply.value.kept);
      for (const token of held) if (!kept.has(token)) drop(token);
      report();
    });
  }

  function beatLater(mine: ProcessLife): void {
    mine.after(heartbeatMs, () => {
      beat();
      beatLater(mine);
    });
  }

  function beat(): void {
    if (session === undefined) {
      // Nobody knows it, so there is nobody to take leave of.
      if (phase === 'LEAVING') life.end();
      else register();
      return;
    }
    const attempts = [...jobs]
      .filter(() => !tempted(0.05))
      .map(([leaseToken, { outcome }]) => ({
        leaseToken,
        progress:
          outcome === undefined && random.chance(0.3)
            ? { percent: random.below(101), message: '' }
            : undefined,
        checkpoint:
          outcome === undefined && random.chance(0.2)
            ? { bytes: Buffer.from(`"${leaseToken}"`), contentType: '' }
            : undefined,
      }));
    // A heartbeat of the session before, as if it had been under way all the time.
    const stated = tempted(0.03) ? lastSession : session;
    lastSession = session;
    if (phase === 'DRAINING' && jobs.size === 0) phase = 'LEAVING';
    ask('Heartbeat', { executorId, session: stated, phase, attempts }, (reply) => {
      if (reply === undefined || stated !== session) return;
      if (!reply.ok) {
        if (reply.rejection.code !== 'UNKNOWN_SESSION') return;
        if (phase === 'LEAVING') life.end();
        else register();
        return;
      }
      for (const token of reply.value.dropped) drop(token);
      for (const cancellation of reply.value.cancellations) cancel(cancellation);
      for (const assignment of reply.value.missing) begin(assignment);
      if (phase === 'LEAVING') life.end();
    });
  }

  function begin(assignment: Assignment): void {
    const { leaseToken } = assignment;
    if (phase === 'LEAVING' || jobs.has(leaseToken) || done.has(leaseToken)) return;
    dependencies.workBegan(leaseToken);
    tokens.push(leaseToken);
    const job: Job = { assignment, outcome: undefined, revoke: () => {}, checkpoint: false, hung: false };
    jobs.set(leaseToken, job);
    if (tempted(0.04)) {
      coverage.fault('EXECUTOR_NEVER_ANSWERS');
      job.hung = true;
      return;
    }
    const adds = additionOf(assignment, random);
    if (adds.length > 0) {
      const by = { type: 'EXECUTOR', executorId, session: session ?? '' } as const;
      ask('AddTasks', { by, leaseToken, tasks: adds, request: undefined }, () => {});
    }
    job.revoke = life.after(durationOf(assignment, random, honest), () =>
      finish(job, outcomeOf(assignment, random, honest)),
    );
  }

  function finish(job: Job, outcome: AttemptOutcome): void {
    job.outcome ??= outcome;
    job.revoke();
    report();
  }

  /** A report is repeated until it is answered. */
  function report(): void {
    if (reporting || session === undefined) return;
    const stated = session;
    const reports = [...jobs].flatMap(([leaseToken, { outcome }]) =>
      outcome === undefined ? [] : [{ leaseToken, outcome, usage: undefined }],
    );
    const misplaced = misplacedReports();
    if (reports.length + misplaced.length === 0) return;
    reporting = true;
    ask('Report', { executorId, session: stated, reports: [...reports, ...misplaced] }, (reply) => {
      reporting = false;
      if (reply === undefined) report();
      else if (!reply.ok) {
        if (reply.rejection.code === 'UNKNOWN_SESSION') register();
        else life.after(REGISTER_PAUSE_MS, report);
      } else {
        for (const { leaseToken, outcome } of reports) answered(leaseToken, outcome);
        report();
      }
    });
  }

  function answered(leaseToken: string, outcome: AttemptOutcome): void {
    jobs.delete(leaseToken);
    done.add(leaseToken);
    if (!tempted(0.1) || session === undefined) return;
    coverage.fault('EXECUTOR_ANSWERS_TWICE');
    const other: AttemptOutcome =
      outcome.type === 'Completed'
        ? { type: 'Released' }
        : { type: 'Completed', result: { bytes: Buffer.from('"twice"'), contentType: '' } };
    const reports = [{ leaseToken, outcome: other, usage: undefined }];
    ask('Report', { executorId, session, reports }, () => {});
  }

  /** Reports on attempts that are not its own. */
  function misplacedReports() {
    if (!tempted(0.05)) return [];
    const forged = random.chance(0.3) || tokens.length === 0;
    coverage.fault(forged ? 'EXECUTOR_FORGES_TOKEN' : 'EXECUTOR_ANSWERS_FOR_OTHERS');
    const leaseToken = forged ? `forged.${random.below(1_000)}` : (tokens[random.below(tokens.length)] ?? '');
    if (jobs.has(leaseToken)) return [];
    const result = { bytes: Buffer.from('"not mine"'), contentType: '' };
    return [{ leaseToken, outcome: { type: 'Completed', result } as const, usage: undefined }];
  }

  function drop(token: string): void {
    const job = jobs.get(token);
    if (job === undefined) return;
    // Some do not hear, or do not want to, and report all the same.
    if (tempted(0.2)) return;
    job.revoke();
    jobs.delete(token);
    done.add(token);
  }

  function cancel({ leaseToken, graceMs }: Cancellation): void {
    const job = jobs.get(leaseToken);
    if (job === undefined || job.outcome !== undefined || job.hung || tempted(0.2)) return;
    if (graceMs === 0) {
      drop(leaseToken);
      return;
    }
    job.revoke();
    job.revoke = life.after(random.below(500), () =>
      finish(job, { type: 'Cancelled', partialResult: undefined }),
    );
  }

  boot();
  return {
    id: executorId,
    namespace,
    receive(delivery) {
      life.after(0, () => {
        if (delivery.type === 'Assign') begin(delivery.assignment);
        else cancel(delivery.cancellation);
      });
    },
    crash: () => life.end(),
    comeBack() {
      if (life.state() === 'ENDED') boot();
    },
    freeze: () => life.freeze(),
    thaw: () => life.thaw(),
    leave(how) {
      phase = how === 'DRAIN' ? 'DRAINING' : 'LEAVING';
      life.after(0, beat);
    },
    behave() {
      honest = true;
      for (const job of jobs.values()) {
        if (job.outcome !== undefined) continue;
        job.revoke();
        job.revoke = life.after(1, () => finish(job, outcomeOf(job.assignment, random, honest)));
      }
    },
    busy: () => (life.state() === 'ENDED' ? 0 : jobs.size),
  };
}
