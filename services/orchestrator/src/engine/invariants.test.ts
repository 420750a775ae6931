// The invariants of core.ts, checked after every step, whatever clients, executors and time do.
//
// The checks go through everything there is; the code they hold keeps it all in step bit by bit.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextDueAtMs, runDeadlineMs } from '../domain/due.ts';
import { json, undoBy } from '../domain/handling-fixture.ts';
import { capabilityOf, isAtWork } from '../domain/lookup.ts';
import { EMPTY_PAYLOAD } from '../domain/payload.ts';
import { accept } from '../domain/rejection.ts';
import { type Handling, PLAIN_FLOW, PLAIN_HANDLING, type RunSpec, type TaskSpec } from '../domain/spec.ts';
import type { RunState } from '../domain/state.ts';
import { isFinalRun } from '../domain/states.ts';
import { graphOf, spec, task } from '../domain/test-support.ts';
import { type Core, createCore } from './core.ts';
import { type Engine, engineOn } from './engine.ts';
import type { AttemptOutcome, EngineCalls, EngineCallType, EngineInput } from './inputs.ts';
import { DEFAULT_ENGINE_LIMITS } from './options.ts';
import type { EngineOutput } from './outputs.ts';
import { restore } from './restore.ts';

const EXECUTORS = 3;
const CAPABILITIES = ['a', 'b'];

interface Action {
  readonly type: (typeof ACTION_TYPES)[number];
  readonly executor: number;
  readonly passMs: number;
  /** Whatever else is to be chosen follows from it. */
  readonly seed: number;
}

const ACTION_TYPES = [
  'submit',
  'register',
  'register',
  'heartbeat',
  'heartbeat',
  'report',
  'report',
  'cancel-run',
  'cancel-task',
  'pause',
  'resume',
  'rerun',
  'add',
  'depend',
  'stall',
  'restart',
  'tick',
] as const;

const WHAT_HAPPENS = [
  'TaskCompleted',
  'TaskRetrying',
  'TaskValidating',
  'TaskCancelled',
  'RunCompensating',
  'RunFailed',
  'RunPaused',
  'RunResumed',
  'RunRestarted',
  'TasksAdded',
  'TaskDependenciesChanged',
  'kept',
  'missing',
];

test('E1 to E5 hold after every step', () => {
  const action: fc.Arbitrary<Action> = fc.record({
    type: fc.constantFrom(...ACTION_TYPES),
    executor: fc.nat({ max: EXECUTORS - 1 }),
    passMs: fc.nat({ max: 3_000 }),
    seed: fc.nat({ max: 0xffff_ffff }),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(action, { minLength: 40, maxLength: 80 }), (actions) => {
      const world = createWorld(seen);
      for (const each of actions) world.play(each);
    }),
    { numRuns: 300 },
  );
  // That says something: the worlds were not empty.
  for (const type of WHAT_HAPPENS) {
    expect([...seen], 'what happened').toContain(type);
  }
});

function createWorld(seen: Set<string>) {
  let minted = 0;
  let nowMs = 0;
  let callId = 0;
  let submitted = 0;
  let revision = 0;
  const limits = { ...DEFAULT_ENGINE_LIMITS, namespace: 'default', maxAssignmentBytes: 1_000_000 };
  const options = { ...limits, readTasks: () => accept([]), mintToken: () => `t${++minted}` };
  const runs: RunState[] = [];
  const sessions = new Map<string, string>();
  const held = new Map<string, Set<string>>();
  let core = createCore(options, 0);
  let engine: Engine = engineOn(core);

  /** Steps, flushes, checks; gives the answer to a call. */
  function step(input: EngineInput, draw: Draw): EngineOutput | undefined {
    engine.step(input, nowMs);
    const output = engine.flush(nowMs);
    for (const { run, event } of output?.events ?? []) {
      expect(event.revision, 'E5').toBe(++revision);
      seen.add(event.change.type);
      if (event.change.type === 'RunSubmitted') runs.push(run);
    }
    for (const effect of output?.effects ?? []) {
      // Some assignments are lost on their way.
      if (effect.type === 'Assign' && draw(5) > 0)
        heldBy(effect.executorId).add(effect.assignment.leaseToken);
    }
    check(core, runs, nowMs);
    return output;
  }

  function call<K extends EngineCallType>(type: K, input: EngineCalls[K]['input'], draw: Draw) {
    const output = step({ type, callId: ++callId, input } as EngineInput, draw);
    const answers = (output?.effects ?? []).filter((effect) => effect.type === 'Reply');
    expect(answers.map((each) => each.callId)).toEqual([callId]);
    return answers[0]?.reply as EngineCalls[K]['reply'];
  }

  function restored(states: readonly RunState[]): Core {
    const probe = createCore(options, revision);
    probe.nowMs = nowMs;
    restore(probe, states);
    return probe;
  }

  function heldBy(executorId: string): Set<string> {
    const tokens = held.get(executorId) ?? new Set();
    held.set(executorId, tokens);
    return tokens;
  }

  function register(executorId: string, draw: Draw): void {
    const capabilities = CAPABILITIES.slice(draw(2)).map((name) => ({
      name,
      version: '',
      maxConcurrency: draw(3),
    }));
    const claimed = [...heldBy(executorId)].filter(() => draw(3) > 0);
    const phase = draw(8) === 0 ? 'DRAINING' : 'ACTIVE';
    const input = { executorId, capabilities, labels: {}, slots: 2 + draw(4), held: claimed, phase } as const;
    held.set(executorId, new Set());
    const reply = call('RegisterExecutor', input, draw);
    if (!reply.ok) throw new Error(reply.rejection.message);
    sessions.set(executorId, reply.value.session);
    for (const token of reply.value.kept) {
      seen.add('kept');
      expect(claimed, 'only what it claimed').toContain(token);
      expect(core.leases.get(token)?.executor.executorId, 'what is kept is alive').toBe(executorId);
      heldBy(executorId).add(token);
    }
  }

  function heartbeat(executorId: string, draw: Draw): void {
    const named = [...heldBy(executorId)].filter(() => draw(4) > 0);
    const attempts = named.map((leaseToken) => ({
      leaseToken,
      progress: draw(2) === 0 ? undefined : { percent: draw(100), message: '' },
      checkpoint: undefined,
    }));
    const phase = draw(10) === 0 ? 'LEAVING' : draw(6) === 0 ? 'DRAINING' : 'ACTIVE';
    const session = sessions.get(executorId) ?? '';
    const reply = call('Heartbeat', { executorId, session, phase, attempts }, draw);
    if (!reply.ok) return;
    for (const token of reply.value.dropped) heldBy(executorId).delete(token);
    for (const { leaseToken } of reply.value.missing) {
      seen.add('missing');
      const lease = core.leases.get(leaseToken);
      expect(lease?.executor.executorId, 'what is missing is alive').toBe(executorId);
      const status = lease?.run.state.tasks[lease.task];
      expect(status?.cancelling, 'what is to stop is not sent again').toBeUndefined();
      heldBy(executorId).add(leaseToken);
    }
  }

  function report(executorId: string, draw: Draw): void {
    const tokens = [...heldBy(executorId)].filter(() => draw(2) === 0);
    const reports = tokens.map((leaseToken) => ({ leaseToken, outcome: outcomeOf(draw), usage: undefined }));
    const session = sessions.get(executorId) ?? '';
    const reply = call('Report', { executorId, session, reports }, draw);
    if (reply.ok) for (const token of tokens) heldBy(executorId).delete(token);
  }

  return {
    play({ type, executor, passMs, seed }: Action): void {
      const draw = drawFrom(seed);
      const executorId = `e${executor}`;
      const runId = `r${draw(submitted + 1)}`;
      nowMs += passMs;
      switch (type) {
        case 'submit': {
          const graph = graphOf(runSpec(draw));
          const rest = { chosen: true, onConflict: 'FAIL', traceparent: '', request: undefined } as const;
          call('SubmitRun', { runId: `r${submitted++}`, graph, ...rest }, draw);
          break;
        }
        case 'register':
          register(executorId, draw);
          break;
        case 'heartbeat':
          heartbeat(executorId, draw);
          break;
        case 'report':
          report(executorId, draw);
          break;
        case 'cancel-run':
          if (draw(3) === 0) call('CancelRun', { runId, message: '', request: undefined }, draw);
          break;
        case 'cancel-task': {
          const input = { runId, taskKey: `t${draw(4)}`, subtree: draw(2) === 0, request: undefined };
          call('CancelTask', input, draw);
          break;
        }
        case 'pause':
        case 'resume': {
          const kind = draw(3) === 0 ? 'PauseRun' : 'ResumeRun';
          call(kind, { runId, message: '', request: undefined }, draw);
          break;
        }
        case 'rerun': {
          const run = runs.find((each) => each.runId === runId && isFinalRun(each.phase));
          const scope = (['FAILED', 'FROM', 'ALL'] as const)[draw(3)] ?? 'ALL';
          call('RerunRun', { runId, scope, taskKey: `t${draw(4)}`, run, request: undefined }, draw);
          break;
        }
        case 'add': {
          const leaseToken = [...heldBy(executorId)][0] ?? '';
          const by = { type: 'EXECUTOR', executorId, session: sessions.get(executorId) ?? '' } as const;
          const upstream = `t${draw(4)}${['', '?', '!'][draw(3)]}`;
          const tasks = [
            task(`a${draw(6)}`, {
              capability: CAPABILITIES[draw(2)] as string,
              after: [upstream],
              ...hint(draw),
            }),
            task(`b${draw(6)}`, { capability: CAPABILITIES[draw(2)] as string, ...hint(draw) }),
          ];
          call('AddTasks', { by, leaseToken, tasks, request: undefined }, draw);
          break;
        }
        case 'depend': {
          const edges = task('x', { after: draw(2) === 0 ? [] : [`t${draw(4)}${['', '?', '!'][draw(3)]}`] });
          const remove = [`t${draw(4)}`];
          const input = { runId, taskKey: `t${1 + draw(5)}`, add: edges.dependencies, remove };
          call('ChangeDependencies', { ...input, request: undefined }, draw);
          break;
        }
        case 'stall': {
          const stalledMs = draw(20_000);
          nowMs += stalledMs;
          step({ type: 'Stalled', stalledMs }, draw);
          break;
        }
        case 'restart': {
          if (draw(4) > 0) break;
          const states = [...core.runs.values()].map(({ state }) => state);
          checkOrder(core, restored(states));
          core = createCore(options, revision);
          core.nowMs = nowMs;
          restore(core, states);
          engine = engineOn(core);
          step({ type: 'Tick' }, draw);
          break;
        }
        case 'tick':
          step({ type: 'Tick' }, draw);
          break;
      }
    },
  };
}

type Draw = (below: number) => number;

/** The same numbers for the same seed. */
function drawFrom(seed: number): Draw {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

function runSpec(draw: Draw): RunSpec {
  const sometimes = (valueMs: number) => (draw(4) === 0 ? valueMs : undefined);
  const tasks = Array.from({ length: 1 + draw(6) }, (_, index): TaskSpec => {
    const upstreams = index === 0 || draw(3) > 0 ? [] : [...new Set([draw(index), draw(index)])];
    return task(`t${index}`, {
      capability: CAPABILITIES[draw(2)] as string,
      after: upstreams.map((upstream) => `t${upstream}${['', '?', '!'][draw(3)]}`),
      join: upstreams.length > 0 && draw(3) === 0 ? { mode: 'ANY' } : { mode: 'ALL' },
      onUnmet: draw(2) === 0 ? 'SKIP' : 'FAIL',
      handling: handlingOf(draw),
      parent: index > 0 && draw(2) === 0 ? `t${draw(index)}` : '',
      priority: draw(11),
      ...hint(draw),
      allowFailure: draw(4) === 0,
      cancelGraceMs: draw(3) === 0 ? 2_000 : 0,
      retry: {
        maxAttempts: 1 + draw(2),
        maxLostAttempts: draw(3) === 0 ? 1 : 0,
        initialDelayMs: draw(3) * 500,
      },
      timeouts: {
        queueMs: sometimes(3_000),
        attemptMs: sometimes(4_000),
        wholeMs: sometimes(6_000),
        heartbeatMs: sometimes(3_000),
      },
    });
  });
  return spec(tasks, { failurePolicy: draw(2) === 0 ? 'CANCEL' : 'CONTINUE', timeoutMs: sometimes(8_000) });
}

/** Of the tasks of a run, most, some or none say how long they take. */
function hint(draw: Draw): Partial<TaskSpec> {
  return draw(2) === 0 ? {} : { flow: { ...PLAIN_FLOW, expectedMs: draw(4) } };
}

function handlingOf(draw: Draw): Handling {
  if (draw(3) > 0) return PLAIN_HANDLING;
  const capability = () => CAPABILITIES[draw(2)] as string;
  const asked = { check: { type: 'CAPABILITY', capability: capability() }, message: '' } as const;
  const complete = { codes: ['TIMEOUT'], action: { type: 'COMPLETE', result: EMPTY_PAYLOAD } } as const;
  return {
    errorRules: draw(3) === 0 ? [complete] : [],
    fallback: draw(2) === 0 ? capability() : '',
    guardrails: draw(2) === 0 ? [asked] : [],
    compensation: draw(2) === 0 ? undoBy(capability()) : undefined,
  };
}

function outcomeOf(draw: Draw): AttemptOutcome {
  const error = { code: 'BROKEN', message: '', details: undefined };
  const outcomes: readonly AttemptOutcome[] = [
    { type: 'Completed', result: json({ ok: draw(3) > 0 }) },
    { type: 'Failed', error, final: false, retryAfterMs: undefined },
    { type: 'Cancelled', partialResult: undefined },
    { type: 'Released' },
  ];
  return outcomes[draw(outcomes.length)] as AttemptOutcome;
}

function check(core: Core, runs: readonly RunState[], nowMs: number): void {
  checkQueues(core);
  checkLeases(core);
  checkTimers(core, nowMs);
  const open = runs.filter(({ phase }) => !isFinalRun(phase));
  expect([...core.runs.keys()].sort(), 'E4').toEqual(open.map(({ runId }) => runId).sort());
  expect(core.activeTasks, 'E4').toBe(open.reduce((sum, { tasks }) => sum + tasks.length, 0));
}

function checkQueues(core: Core): void {
  const ready = new Map<string, number>();
  for (const { state, queued } of core.runs.values()) {
    for (const [task, status] of state.tasks.entries()) {
      expect(queued[task], `E1: task ${task} of ${state.runId}`).toBe(
        status.state === 'READY' && !state.paused ? 1 : 0,
      );
      if (status.state !== 'READY' || state.paused) continue;
      const capability = capabilityOf(state, task);
      ready.set(capability, (ready.get(capability) ?? 0) + 1);
    }
  }
  const sizes = new Map([...core.queues].map(([capability, queue]) => [capability, queue.size]));
  expect(sizes, 'E1').toEqual(ready);
}

/** Takes everything out of the queues of both. */
function checkOrder(before: Core, after: Core): void {
  const drain = ({ queues }: Core) => {
    const order: string[] = [];
    for (const [capability, queue] of [...queues].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (let entry = queue.take(); entry !== undefined; entry = queue.take())
        order.push(`${capability}: ${entry.run.state.runId} ${entry.task}`);
    }
    return order;
  };
  expect(drain(after), 'E.1: the order after a restart').toEqual(drain(before));
}

function checkLeases(core: Core): void {
  let running = 0;
  for (const { state } of core.runs.values()) {
    for (const [task, status] of state.tasks.entries()) {
      if (!isAtWork(status)) continue;
      running += 1;
      const attempt = status.attempts.at(-1);
      const lease = core.leases.get(attempt?.leaseToken ?? '');
      expect(lease?.run.state, 'E2').toBe(state);
      expect(lease?.task, 'E2').toBe(task);
      expect(lease?.executor, 'E2').toBe(core.executors.get(attempt?.executorId ?? ''));
      expect(lease?.executor.leases.get(lease.token), 'E2').toBe(lease);
    }
  }
  expect(core.leases.size, 'E2').toBe(running);
  for (const { executorId, leases, used, capabilities } of core.executors.values()) {
    expect(used, `promise 7: ${executorId}`).toBe(leases.size);
    for (const { name, used: usedFor } of capabilities.values()) {
      const having = [...leases.values()].filter(({ capability }) => capability === name).length;
      expect(usedFor, `promise 7: ${executorId} for ${name}`).toBe(having);
    }
  }
}

function checkTimers(core: Core, nowMs: number): void {
  let set = 0;
  for (const run of core.runs.values()) {
    for (const task of run.state.tasks.keys()) {
      const timer = run.taskTimers?.get(task);
      const dueAtMs = nextDueAtMs(run.state, task, core.deafMs(run, task));
      expect(timer?.dueAtMs, `E3: task ${task} of ${run.state.runId}`).toBe(dueAtMs);
      if (timer !== undefined) expect(timer.heapIndex, 'E3: it is set').toBeGreaterThanOrEqual(0);
    }
    set += run.taskTimers?.size ?? 0;
    if (run.runTimer !== undefined && run.runTimer.heapIndex >= 0) set += 1;
    const deadlineMs = runDeadlineMs(run.state);
    if (deadlineMs !== undefined) expect(run.runTimer?.dueAtMs).toBe(deadlineMs);
  }
  for (const { timer, heardAtMs, leases } of core.executors.values()) {
    const expiresAtMs = [...leases.values()].map((lease) => lease.expiresAtMs);
    expect(timer.heapIndex, 'every executor may expire').toBeGreaterThanOrEqual(0);
    expect(timer.dueAtMs).toBeLessThanOrEqual(
      Math.min(heardAtMs + core.options.leaseDurationMs, ...expiresAtMs),
    );
    set += 1;
  }
  expect(core.timers.size, 'nothing else is set').toBe(set);
  expect(core.timers.nextDueAtMs() ?? Number.POSITIVE_INFINITY, 'what was due has fired').toBeGreaterThan(
    nowMs,
  );
}
