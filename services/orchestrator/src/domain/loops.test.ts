// C.3 and C.5: what is done again, how often, and what it is told.

import { describe, expect, test } from 'vitest';
import { apply, submitRun } from './apply.ts';
import { compileGraph } from './compile.ts';
import { evolve } from './evolve.ts';
import { feedbackOf } from './feedback.ts';
import { type RunSubmittedEvent, startRun } from './initial.ts';
import { readyInOrder } from './pause.ts';
import type { Payload } from './payload.ts';
import { PLAIN_FLOW, type Repeat, type SendBack } from './spec.ts';
import { play, type Scenario, spec, task } from './test-support.ts';
import { createToyCompiler } from './toy-expressions.ts';

const json = (value: unknown): Payload => ({
  bytes: new TextEncoder().encode(JSON.stringify(value)),
  contentType: '',
});
const text = (payload: Payload | undefined) => payload && new TextDecoder().decode(payload.bytes);

function repeated(how: Partial<Repeat> = {}, rest = {}) {
  const repeat = { until: 'result == "done"', maxIterations: 3, delayMs: 0, nextInput: '', ...how };
  return task('poll', { ...rest, flow: { ...PLAIN_FLOW, repeat } });
}

function decision(how: Partial<SendBack> = {}, after = ['edit']) {
  const rule = { to: 'draft', when: 'result == "no"', reason: '"too long"', maxIterations: 2, ...how };
  return task('review', { after, flow: { ...PLAIN_FLOW, sendBack: [rule] } });
}

function finish(scenario: Scenario, key: string, result: unknown) {
  scenario.start(key);
  return scenario.complete(key, json(result));
}

function expectReplay(scenario: Scenario): void {
  const replica = startRun(scenario.events[0] as RunSubmittedEvent);
  for (const event of scenario.events.slice(1)) evolve(replica, event);
  expect(replica.tasks).toEqual(scenario.run.tasks);
}

describe('C.5: a repeated task', () => {
  test('goes on until its condition holds, the last result being the next input', () => {
    const scenario = play([repeated()]);

    expect(finish(scenario, 'poll', 'a')).toEqual(['poll RETRYING at 0 ms for iteration 2', 'poll READY']);
    expect(text(scenario.at('poll').computedInput)).toBe('"a"');
    finish(scenario, 'poll', 'b');
    expect(finish(scenario, 'poll', 'done')).toEqual(['poll COMPLETED', 'run COMPLETED']);
    expect(scenario.at('poll').attempts.map(({ state }) => state)).toEqual([
      'COMPLETED',
      'COMPLETED',
      'COMPLETED',
    ]);
    expectReplay(scenario);
  });

  test('fails once it has been repeated as often as allowed', () => {
    const scenario = play([repeated({ maxIterations: 2 })]);
    finish(scenario, 'poll', 'a');

    expect(finish(scenario, 'poll', 'b')[0]).toBe('poll FAILED ITERATIONS_EXHAUSTED');
  });

  test('without a condition is done as often as it says', () => {
    const scenario = play([repeated({ until: '', maxIterations: 2 })]);
    finish(scenario, 'poll', 'a');

    expect(finish(scenario, 'poll', 'b')).toEqual(['poll COMPLETED', 'run COMPLETED']);
    expect(text(scenario.at('poll').result)).toBe('"b"');
  });

  test('waits between two iterations', () => {
    const scenario = play([repeated({ delayMs: 500 })]);
    finish(scenario, 'poll', 'a');
    expect(scenario.at('poll')).toMatchObject({ state: 'RETRYING', reason: 'REPEATING' });
    scenario.passMs(500);

    expect(scenario.steps({ type: 'RetryTask', task: 0 })).toEqual(['poll READY']);
  });

  test('has all of its attempts in each iteration', () => {
    const scenario = play([repeated({}, { retry: { maxAttempts: 2, initialDelayMs: 0 } })]);
    scenario.start('poll');
    scenario.fail('poll');
    finish(scenario, 'poll', 'a');
    scenario.start('poll');
    scenario.fail('poll');
    scenario.start('poll');

    expect(scenario.fail('poll')[0]).toBe('poll FAILED ATTEMPTS_EXHAUSTED');
    expectReplay(scenario);
  });

  test('whose condition cannot be evaluated fails, and says so', () => {
    const scenario = play([repeated({ until: 'boom' })]);

    expect(finish(scenario, 'poll', 'a')[0]).toBe('poll FAILED EXPRESSION_FAILED');
  });
});

describe('C.3: a decision', () => {
  const tasks = () => [
    task('draft'),
    task('edit', { after: ['draft'] }),
    task('archive', { after: ['draft'] }),
    decision(),
    task('print', { after: ['review'] }),
  ];

  test('sends the run back to an earlier task, which is told why', () => {
    const scenario = play(tasks());
    finish(scenario, 'draft', 'first');
    finish(scenario, 'archive', 'kept');
    finish(scenario, 'edit', 'edited');

    expect(finish(scenario, 'review', 'no')).toEqual([
      'review sent back to draft, 1',
      'draft WAITING again SENT_BACK',
      'edit WAITING again SENT_BACK',
      'draft READY',
    ]);
    expect(scenario.states()).toBe(
      'draft READY, edit WAITING, archive COMPLETED, review WAITING, print WAITING',
    );
    const feedback = scenario.at('draft').more?.feedback;
    expect(feedback).toMatchObject({ reason: 'too long', from: 'review', iteration: 1 });
    expect([text(feedback?.refusedResult), text(feedback?.decision)]).toEqual(['"first"', '"no"']);
    expectReplay(scenario);
  });

  test('that is content lets the run go on', () => {
    const scenario = play(tasks());
    finish(scenario, 'draft', 1);
    finish(scenario, 'archive', 1);
    finish(scenario, 'edit', 1);
    finish(scenario, 'review', 'no');
    finish(scenario, 'draft', 2);
    finish(scenario, 'edit', 2);
    finish(scenario, 'review', 'yes');

    expect(finish(scenario, 'print', 1).at(-1)).toBe('run COMPLETED');
    expect(scenario.at('draft').attempts).toHaveLength(2);
    expectReplay(scenario);
  });

  test('may do so as often as allowed, and fails beyond', () => {
    const scenario = play(tasks());
    finish(scenario, 'draft', 1);
    finish(scenario, 'archive', 1);
    for (let round = 0; round < 2; round++) {
      finish(scenario, 'edit', 1);
      finish(scenario, 'review', 'no');
      finish(scenario, 'draft', 1);
    }
    finish(scenario, 'edit', 1);

    expect(finish(scenario, 'review', 'no').slice(0, 2)).toEqual([
      'review FAILED ITERATIONS_EXHAUSTED',
      'print SKIPPED UPSTREAM_FAILED by review',
    ]);
    expectReplay(scenario);
  });

  test('makes tasks wait again that are queued because of what is done again', () => {
    const scenario = play(tasks());
    finish(scenario, 'draft', 1);
    finish(scenario, 'edit', 1);

    expect(finish(scenario, 'review', 'no')).toContain('archive WAITING again SENT_BACK');
  });

  test.each([
    ['fails', (scenario: Scenario) => scenario.fail('archive')],
    ['is lost', (scenario: Scenario) => scenario.lose('archive')],
  ])('lets what runs outside of the loop go on, but makes it wait anew if its attempt %s', (_how, end) => {
    const retry = { maxAttempts: 3, initialDelayMs: 0 };
    const [draft, edit, , ...rest] = tasks();
    const scenario = play([draft, edit, task('archive', { after: ['draft'], retry }), ...rest] as never);
    finish(scenario, 'draft', 1);
    scenario.start('archive');
    finish(scenario, 'edit', 1);
    expect(finish(scenario, 'review', 'no')).not.toContain('archive WAITING again SENT_BACK');

    expect(end(scenario)).toContain('archive WAITING again SENT_BACK');
    expect(finish(scenario, 'draft', 2)).toEqual(['draft COMPLETED', 'edit READY', 'archive READY']);
    finish(scenario, 'archive', 2);
    expect(scenario.at('archive').state).toBe('COMPLETED');
    expectReplay(scenario);
  });

  test.each(['ends', 'fails'])(
    'with a join that was met from outside decides again once the loop %s',
    (how) => {
      const loop = { ...decision({}, ['edit', 'aside']), join: { mode: 'ANY' } as const };
      const scenario = play([task('draft'), task('aside'), task('edit', { after: ['draft'] }), loop]);
      finish(scenario, 'aside', 1);
      finish(scenario, 'draft', 1);
      finish(scenario, 'review', 'no');
      expect(scenario.states()).toBe('draft READY, aside COMPLETED, edit WAITING, review WAITING');
      finish(scenario, 'draft', 2);
      scenario.start('edit');
      if (how === 'ends') scenario.complete('edit');
      else scenario.fail('edit');

      expect(finish(scenario, 'review', 'yes').at(-1)).toMatch(/^run (COMPLETED|FAILED)/);
      expectReplay(scenario);
    },
  );

  test('whose loop overlaps with another does not keep it going beyond its limit', () => {
    const loop = (key: string, after: string) =>
      task(key, {
        after: [after],
        flow: { ...PLAIN_FLOW, sendBack: [{ to: 'a', when: 'true', reason: '', maxIterations: 1 }] },
      });
    const scenario = play([task('a'), loop('b', 'a'), loop('c', 'a')]);
    let steps = 0;
    for (; scenario.run.phase === 'RUNNING' && steps < 100; steps++) {
      const key = ['a', 'b', 'c'].find((each) => scenario.at(each).state === 'READY') ?? '';
      finish(scenario, key, 1);
    }

    expect(scenario.states()).toBe('a COMPLETED, b FAILED, c FAILED');
    expect(steps).toBeLessThan(10);
    expectReplay(scenario);
  });

  test('must name a task that comes before it', () => {
    const refused = compileGraph(spec([task('draft'), decision({}, [])]), createToyCompiler());

    expect(refused).toMatchObject({
      ok: false,
      rejection: { code: 'INVALID_FIELD', field: 'tasks[1].send_back[0].to' },
    });
  });
});

test('C.3: the items of a list that is sent back are told why, each with what came of it before', () => {
  const items = [json('a'), json('b')];
  const how = { itemsExpression: '', maxParallel: 0, toleratedFailures: 0, toleratedShare: 0 };
  const foreach = { items, ...how, siblings: 'CONTINUE' } as const;
  const scenario = play([task('draft', { flow: { ...PLAIN_FLOW, foreach } }), decision({}, ['draft'])]);
  finish(scenario, 'draft#0', 'A');
  finish(scenario, 'draft#1', 'B');
  expect(feedbackOf(scenario.run, scenario.index('draft#1'))).toBeUndefined();
  finish(scenario, 'review', 'no');

  const told = feedbackOf(scenario.run, scenario.index('draft@2#1'));
  expect(told).toMatchObject({ reason: 'too long', from: 'review', iteration: 1 });
  expect(text(told?.refusedResult)).toBe('"B"');
});

describe('C.3, C.4, C.5: what the orchestrator does itself has its turn', () => {
  const computed = { capability: '', work: { type: 'EXPRESSION', text: '"no"' } } as const;

  /** How many events each turn comes to; as many turns as are asked for. */
  function turns(count: number, ...tasks: readonly ReturnType<typeof task>[]): readonly number[] {
    const graph = compileGraph(spec(tasks), createToyCompiler());
    if (!graph.ok) throw new Error(graph.rejection.message);
    const { run } = submitRun('run-1', graph.value, '', 0, 1);
    return Array.from({ length: count }, () => {
      const [next] = readyInOrder(run);
      if (next === undefined) throw new Error('nothing is ready');
      const began = apply(run, { type: 'StartOwnWork', task: next, child: false }, 0, run.lastRevision + 1);
      return began.ok ? began.value.length : 0;
    });
  }

  test('in a loop, however often it goes round', () => {
    const rule = { to: 'draft', when: 'true', reason: '', maxIterations: 1_000 };
    const review = { ...computed, after: ['draft'], flow: { ...PLAIN_FLOW, sendBack: [rule] } };
    expect(Math.max(...turns(50, task('draft', computed), task('review', review)))).toBeLessThan(8);

    const repeat = { until: '', maxIterations: 10_000, delayMs: 0, nextInput: '' };
    const poll = { ...computed, flow: { ...PLAIN_FLOW, repeat } };
    expect(Math.max(...turns(50, task('poll', poll)))).toBeLessThan(8);
  });

  test('in a list, and in a chain', () => {
    const items = Array.from({ length: 5_000 }, (_, index) => json(index));
    const how = { itemsExpression: '', maxParallel: 0, toleratedFailures: 0, toleratedShare: 0 };
    const foreach = { items, ...how, siblings: 'CONTINUE' } as const;
    const [expanded = 0, ...done] = turns(
      20,
      task('each', { ...computed, flow: { ...PLAIN_FLOW, foreach } }),
    );
    expect(expanded).toBeLessThan(1_010); // A window of them.
    expect(Math.max(...done)).toBeLessThan(8);

    const chain = [1, 2, 3, 4, 5].map((n) =>
      task(`${n}`, { ...computed, after: n === 1 ? [] : [`${n - 1}`] }),
    );
    expect(turns(4, ...chain)).toEqual([3, 3, 3, 3]);
  });
});
