// Promises 2 and 5 for runs that mix every construct (A to D, F.2): loops, lists, waits, guardrails, fallbacks,
// compensations, limits, pauses and re-runs, with executors and people who do whatever they like.
//
// The checks are written from the words of the contract and share no rule with the code.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { performsItself } from './admission.ts';
import { apply, submitRun } from './apply.ts';
import type { RunCommand } from './commands.ts';
import { nextDueAtMs, nextRunDueAtMs } from './due.ts';
import type { RunEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, type Payload } from './payload.ts';
import { PLAIN_FLOW, PLAIN_HANDLING, type RunSpec, type TaskSpec } from './spec.ts';
import type { RunState } from './state.ts';
import { describeChange, graphOf, spec, task } from './test-support.ts';

const FINAL: readonly string[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'SKIPPED'];
const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
/** What attempts come to: loops go on or end by it. */
const RESULTS = ['ok', 'again', 'back', 'again', 'back', { ok: true }, { ok: false, reason: 'no' }].map(json);

test('runs that mix every construct end, explained, bounded, and replay to the same state', () => {
  fc.assert(
    fc.property(runSpecs(), choiceLists(), (runSpec, choices) => {
      const { run, events } = submitRun('run-1', graphOf(runSpec), '', 0, 1);
      const witness = createWitness(run, events);
      const nowMs = play(run, choices, witness, 0);
      settle(run, witness, nowMs);
      checkEnd(run);
      for (const scope of ['FAILED', 'ALL'] as const) {
        const again = apply(run, { type: 'RerunRun', scope, from: undefined }, nowMs, run.lastRevision + 1);
        if (!again.ok) continue; // Nothing failed.
        witness.see(again.value);
        settle(run, witness, nowMs);
        checkEnd(run);
      }
      expect(stateOf(witness.replica)).toEqual(stateOf(run));
    }),
    { numRuns: 300 },
  );
});

test('that says something: such runs reach every construct', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(runSpecs(), choiceLists(), (runSpec, choices) => {
      const { run, events } = submitRun('run-1', graphOf(runSpec), '', 0, 1);
      const witness = createWitness(run, events);
      settle(run, witness, play(run, choices, witness, 0));
      for (const type of witness.seen) seen.add(type);
    }),
    { numRuns: 300, seed: 11 },
  );

  const constructs = [
    'RunCompensating',
    'RunPaused',
    'RunResumed',
    'RunSignalled',
    'TaskExpanded',
    'TaskHeld',
  ];
  const loops = [
    'TaskRepeating',
    'TaskReset',
    'TaskSentBack',
    'TaskSignalled',
    'TaskValidating',
    'TasksAdded',
  ];
  expect([...seen]).toEqual(expect.arrayContaining([...constructs, ...loops]));
});

/** Sends what the choices say, sensible or not. Returns the time. */
function play(run: RunState, choices: readonly number[], witness: Witness, fromMs: number): number {
  let nowMs = fromMs;
  for (const choice of choices) {
    if (isOver(run)) return nowMs;
    const kind = choice & 31;
    const index = (choice >>> 5) % run.tasks.length;
    if (kind > 27) nowMs = Math.max(nowMs, nextMomentMs(run) ?? nowMs);
    for (const command of commandsFor(run, kind, index, choice >>> 10)) {
      // The engine starts nothing of a run that is paused.
      if (!run.paused || !command.type.startsWith('Start')) witness.send(command, nowMs);
    }
  }
  return nowMs;
}

/** From here on everybody does what they should. */
function settle(run: RunState, witness: Witness, fromMs: number): void {
  let nowMs = fromMs;
  if (run.paused) witness.send({ type: 'ResumeRun' }, nowMs);
  for (let round = 0; round < 400 && !isOver(run); round++) {
    for (let index = 0; index < run.tasks.length; index++) {
      witness.send(startOf(run, index), nowMs);
      const { key } = specOf(run, index);
      const result = key.includes('#check') ? json({ ok: true }) : json('ok');
      witness.send({ type: 'CompleteAttempt', task: index, result, usage: undefined }, nowMs);
    }
    if (run.tasks.some(({ reason }) => reason === 'AWAITING_SIGNAL')) witness.send(signal('go'), nowMs);
    nowMs = Math.max(nowMs, nextMomentMs(run) ?? nowMs);
    for (let index = 0; index < run.tasks.length; index++) {
      for (const command of timers(index)) witness.send(command, nowMs);
    }
  }
  expect(isOver(run), `over at the end: ${run.phase} ${JSON.stringify(run.counts)}`).toBe(true);
}

function commandsFor(run: RunState, kind: number, index: number, more: number): readonly RunCommand[] {
  const result = RESULTS[more % RESULTS.length] ?? EMPTY_PAYLOAD;
  const fail = (code: string, final: boolean): RunCommand => ({
    type: 'FailAttempt',
    task: index,
    error: { code, message: '', details: undefined },
    final,
    retryAfterMs: undefined,
    usage: undefined,
  });
  if (kind < 8) return run.tasks.map((_, each) => startOf(run, each));
  if (kind < 11) return [{ type: 'CompleteAttempt', task: index, result, usage: { tokens: 1 } }];
  if (kind < 14) {
    return run.tasks.map((_, task) => ({ type: 'CompleteAttempt', task, result, usage: undefined }) as const);
  }
  if (kind < 17) return [fail(kind === 16 ? 'NET' : 'BROKEN', kind === 14)];
  if (kind === 17) return [{ type: 'LoseAttempt', task: index, code: 'EXECUTOR_LOST', message: '' }];
  if (kind === 18)
    return [{ type: 'EndCancelledAttempt', task: index, partialResult: undefined, usage: undefined }];
  if (kind === 19) return [{ type: 'CancelTask', task: index, subtree: more % 2 === 0 }];
  if (kind === 20) return more % 8 === 0 ? [{ type: 'CancelRun', message: '' }] : [];
  if (kind === 21) return [signal(more % 2 === 0 ? 'go' : 'on')];
  if (kind === 22) return [{ type: 'PauseRun', message: '' }];
  if (kind < 25) return [{ type: 'ResumeRun' }];
  return run.tasks.flatMap((_, each) => timers(each));
}

function signal(name: string): RunCommand {
  return { type: 'SignalRun', name, payload: json('ok') };
}

function startOf(run: RunState, index: number): RunCommand {
  return performsItself(specOf(run, index))
    ? { type: 'StartOwnWork', task: index, child: false }
    : { type: 'StartAttempt', task: index, executorId: 'e', leaseToken: `l${run.lastRevision}.${index}` };
}

function timers(index: number): readonly RunCommand[] {
  return [
    { type: 'RetryTask', task: index },
    { type: 'FireTimer', task: index },
    { type: 'BeginTask', task: index },
    { type: 'BeginRun' },
    { type: 'ExpireAttempt', task: index },
    { type: 'ExpireGrace', task: index },
    { type: 'ExpireQueue', task: index },
    { type: 'ExpireTask', task: index },
    { type: 'ExpireRun' },
  ];
}

function nextMomentMs(run: RunState): number | undefined {
  const moments = run.tasks.map((_, index) => nextDueAtMs(run, index, 0));
  const known = [...moments, nextRunDueAtMs(run)].filter((atMs) => atMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function isOver({ phase }: RunState): boolean {
  return FINAL.includes(phase);
}

type Witness = ReturnType<typeof createWitness>;

/** Follows along with a replica, event by event, and checks each. */
function createWitness(run: RunState, first: readonly RunEvent[]) {
  const replica = startRun(first[0] as RunSubmittedEvent);
  const seen = new Set<string>();

  function seeOne(event: RunEvent): void {
    const { change } = event;
    seen.add(change.type);
    const line = describeChange(run, change);
    const wasPaused = replica.paused;
    const wasOver = isOver(replica);
    const before = 'task' in change ? replica.tasks[change.task]?.state : undefined;
    expect(event.revision, line).toBe(replica.lastRevision + 1);
    evolve(replica, event);
    if (wasOver) expect(change.type, line).toBe('RunRestarted');
    if (wasPaused) expect(change.type, line).not.toBe('TaskStarted');
    if (before !== undefined && FINAL.includes(before)) expect(change.type, line).toBe('TaskReset');
    if (change.type === 'TaskStarted') checkStart(replica, change.task, line);
    checkCounters(replica, line);
  }
  const see = (events: readonly RunEvent[]) => {
    for (const event of events) seeOne(event);
  };
  see(first.slice(1));
  return {
    replica,
    seen,
    see,
    send(command: RunCommand, nowMs: number): void {
      const result = apply(run, command, nowMs, run.lastRevision + 1);
      if (result.ok) see(result.value);
    },
  };
}

/** Promise 5. */
function checkStart(run: RunState, index: number, line: string): void {
  const { join, retry, handling } = specOf(run, index);
  const edges = run.graph.dependencies[index] ?? [];
  if (join.mode === 'ALL') {
    for (const { upstream } of edges) expect(FINAL, line).toContain(taskOf(run, upstream).state);
  }
  const { attempts, pastAttempts } = taskOf(run, index);
  const round = attempts.slice(pastAttempts);
  const counted = round.filter(({ state }) => state !== 'LOST').length;
  const fallback = handling.fallback === '' ? 0 : 1;
  expect(counted, line).toBeLessThanOrEqual(retry.maxAttempts + fallback);
  expect(
    round.filter(({ state }) => state === 'RUNNING'),
    line,
  ).toHaveLength(1);
}

/** What is kept beside the states is what they add up to. */
function checkCounters(run: RunState, line: string): void {
  for (const [state, count] of Object.entries(run.counts)) {
    expect(run.tasks.filter((status) => status.state === state).length, `${line}: ${state}`).toBe(count);
  }
  for (const [index, status] of run.tasks.entries()) {
    let met = 0;
    let dead = 0;
    for (const { upstream, condition, when } of run.graph.dependencies[index] ?? []) {
      const { state } = taskOf(run, upstream);
      if (!FINAL.includes(state)) continue;
      const fits = condition === 'FINISHED' || state === (condition === 'SUCCESS' ? 'COMPLETED' : 'FAILED');
      const judged = when === '' ? true : status.judged.get(upstream);
      if (!fits || judged === false) dead++;
      else if (judged === true) met++;
    }
    expect([status.metEdges, status.deadEdges], `${line}: edges of ${index}`).toEqual([met, dead]);
    checkItems(run, index, line);
  }
  const { maxParallel } = run.graph.spec;
  if (maxParallel === 0) return;
  const underWay = run.tasks.filter(
    ({ state }, index) =>
      ['READY', 'RUNNING', 'RETRYING'].includes(state) &&
      !run.owners.has(index) &&
      !performsItself(specOf(run, index)),
  ).length;
  expect(run.underWay, line).toBe(underWay);
  expect(underWay, line).toBeLessThanOrEqual(maxParallel);
}

function checkItems(run: RunState, index: number, line: string): void {
  const expansion = taskOf(run, index).more?.expansion;
  const foreach = specOf(run, index).flow.foreach;
  if (expansion === undefined || foreach === undefined) return;
  const states = expansion.children.flatMap((child) =>
    child === undefined ? [] : [taskOf(run, child).state],
  );
  const ended = states.filter((state) => FINAL.includes(state));
  expect([expansion.made, expansion.ended], line).toEqual([states.length, ended.length]);
  expect(expansion.failed, line).toBe(ended.filter((state) => state !== 'COMPLETED').length);
  if (foreach.maxParallel > 0)
    expect(states.length - ended.length, line).toBeLessThanOrEqual(foreach.maxParallel);
}

/** Every task is final and says why; nobody is left running. */
function checkEnd(run: RunState): void {
  for (const [index, { state, reason, attempts, error }] of run.tasks.entries()) {
    const { key } = specOf(run, index);
    expect(FINAL, key).toContain(state);
    if (state !== 'COMPLETED') expect(reason, `${key} ${state}`).not.toBe('NONE');
    if (state === 'FAILED' && attempts.length > 0 && reason !== 'DEPENDENCY_FAILED') {
      expect(error ?? reason, key).toBeDefined();
    }
    for (const attempt of attempts) expect(attempt.state, key).not.toBe('RUNNING');
  }
  if (run.phase !== 'COMPLETED') expect(run.reason).not.toBe('NONE');
}

/** All but what is made of functions. */
function stateOf({ graph: _graph, line: _line, ...rest }: RunState) {
  return rest;
}

/** Even: fast-check prefers small numbers, which would always choose the same. */
function choiceLists(): fc.Arbitrary<number[]> {
  const choice = fc.tuple(fc.nat({ max: 31 }), fc.nat({ max: 31 }), fc.nat({ max: 27 }));
  const even = choice.map(([kind, index, more]) => kind | (index << 5) | (more << 10));
  return fc.array(even, { maxLength: 80, size: 'max' });
}

/** Up to six tasks; each may depend on some that come before it, and be any of the constructs. */
function runSpecs(): fc.Arbitrary<RunSpec> {
  return fc
    .record({
      tasks: fc.array(sketches(), { minLength: 1, maxLength: 6 }),
      failurePolicy: fc.constantFrom('CONTINUE' as const, 'CANCEL' as const),
      maxParallel: fc.constantFrom(0, 0, 1, 2),
      mode: fc.constantFrom('GRAPH' as const, 'GRAPH' as const, 'SEQUENTIAL' as const),
      startDelayMs: fc.constantFrom(0, 0, 5),
      timeoutMs: fc.constantFrom(undefined, undefined, undefined, 80),
    })
    .map(({ tasks, ...rest }) =>
      spec(
        // One after the other: each waits for the one before it, so that nothing is left to join.
        tasks.map((sketch, place) =>
          toTask(rest.mode === 'SEQUENTIAL' ? { ...sketch, isAny: false, upstreams: [] } : sketch, place),
        ),
        rest,
      ),
    );
}

type Sketch = ReturnType<typeof sketches> extends fc.Arbitrary<infer S> ? S : never;

function sketches() {
  return fc.record({
    upstreams: fc.array(fc.tuple(fc.nat({ max: 9 }), fc.constantFrom('', '', '?', '!')), { maxLength: 3 }),
    isAny: fc.constantFrom(false, false, true),
    work: fc.constantFrom('', '', '', '', 'signal', 'timer', 'expression'),
    items: fc.constantFrom(0, 0, 0, 0, 1, 3),
    itemsAtOnce: fc.constantFrom(0, 1, 2),
    tolerated: fc.constantFrom(0, 0, 1),
    isStopped: fc.boolean(),
    isRepeated: fc.constantFrom(false, false, false, true),
    back: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
    startDelayMs: fc.constantFrom(0, 0, 0, 4),
    rule: fc.constantFrom('', '', 'RETRY', 'FAIL', 'FALL_BACK', 'COMPLETE'),
    rail: fc.constantFrom('', '', '', 'result != "again"', 'boom', 'capability'),
    isUndone: fc.boolean(),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    delayMs: fc.constantFrom(0, 3),
    attemptMs: fc.constantFrom(undefined, undefined, 9),
    wholeMs: fc.constantFrom(undefined, undefined, undefined, 30),
    queueMs: fc.constantFrom(undefined, undefined, undefined, 10),
    cancelGraceMs: fc.constantFrom(0, 5),
    allowFailure: fc.constantFrom(false, false, true),
    when: fc.constantFrom('', '', '', 'true', 'false'),
  });
}

function toTask(sketch: Sketch, place: number): TaskSpec {
  const { isAny, startDelayMs, maxAttempts, delayMs, attemptMs, wholeMs, queueMs } = sketch;
  const upstreams = new Map(sketch.upstreams.map(([number, mark]) => [number % Math.max(1, place), mark]));
  const after = place === 0 ? [] : [...upstreams].map(([upstream, mark]) => `t${upstream}${mark}`);
  const [first] = upstreams.keys();
  const { back } = sketch;
  // Back to a task that it depends on directly.
  const sendBack =
    place === 0 || back === undefined || first === undefined
      ? []
      : [{ to: `t${first}`, when: 'result == "back"', reason: '', maxIterations: 2 }];
  return task(`t${place}`, {
    after,
    join: isAny && after.length > 0 ? { mode: 'ANY' } : { mode: 'ALL' },
    capability: sketch.work === '' ? 'test' : '',
    work: workOf(sketch),
    flow: {
      ...PLAIN_FLOW,
      startDelayMs,
      sendBack,
      foreach: sketch.items === 0 ? undefined : foreachOf(sketch),
      repeat: sketch.isRepeated
        ? { until: 'result != "again"', maxIterations: 3, delayMs, nextInput: '' }
        : undefined,
    },
    handling: handlingOf(sketch),
    retry: { maxAttempts, initialDelayMs: delayMs, maxLostAttempts: 1, nonRetryableCodes: ['NET'] },
    timeouts: { attemptMs: sketch.work === 'signal' ? 15 : attemptMs, wholeMs, queueMs },
    cancelGraceMs: sketch.cancelGraceMs,
    allowFailure: sketch.allowFailure,
    when: sketch.when,
  });
}

function workOf({ work }: Sketch): TaskSpec['work'] {
  if (work === 'signal') return { type: 'SIGNAL', name: 'go' };
  if (work === 'timer') return { type: 'TIMER', delayMs: 6, atMs: undefined };
  if (work === 'expression') return { type: 'EXPRESSION', text: '"ok"' };
  return { type: 'CAPABILITY' };
}

function foreachOf({ items, itemsAtOnce, tolerated, isStopped }: Sketch) {
  return {
    items: Array.from({ length: items }, (_, index) => json(index)),
    itemsExpression: '',
    maxParallel: itemsAtOnce,
    toleratedFailures: tolerated,
    toleratedShare: 0,
    siblings: isStopped ? ('STOP' as const) : ('CONTINUE' as const),
  };
}

function handlingOf({ rule, rail, isUndone, work }: Sketch): TaskSpec['handling'] {
  const fallback = work === '' && rule === 'FALL_BACK' ? 'other' : '';
  const action = {
    '': undefined,
    RETRY: { type: 'RETRY', delayMs: 2 },
    FAIL: { type: 'FAIL' },
    FALL_BACK: fallback === '' ? undefined : { type: 'FALL_BACK' },
    COMPLETE: { type: 'COMPLETE', result: json('given') },
  }[rule] as TaskSpec['handling']['errorRules'][number]['action'] | undefined;
  const check =
    rail === 'capability'
      ? ({ type: 'CAPABILITY', capability: 'judge' } as const)
      : ({ type: 'EXPRESSION', text: rail } as const);
  const undo = {
    capability: 'undo',
    inputExpression: '',
    retry: task('x').retry,
    timeouts: task('x').timeouts,
  };
  return {
    ...PLAIN_HANDLING,
    fallback,
    errorRules: action === undefined ? [] : [{ codes: ['BRO*'], action }],
    guardrails: rail === '' ? [] : [{ check, message: '' }],
    compensation: isUndone ? undo : undefined,
  };
}
