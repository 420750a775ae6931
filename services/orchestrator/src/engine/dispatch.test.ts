// Which queues a start looks at.

import { expect, test } from 'vitest';
import { accept } from '../domain/rejection.ts';
import { graphOf, payload, spec, task } from '../domain/test-support.ts';
import { type Core, createCore } from './core.ts';
import { engineOn } from './engine.ts';
import { DEFAULT_ENGINE_LIMITS } from './options.ts';

function createPlace(): {
  readonly core: Core;
  flush(): readonly string[];
  register(...can: string[]): void;
} {
  let minted = 0;
  const limits = { ...DEFAULT_ENGINE_LIMITS, namespace: 'default', maxAssignmentBytes: 4_000 };
  const core = createCore({ ...limits, readTasks: () => accept([]), mintToken: () => `t${++minted}` }, 0);
  const engine = engineOn(core);
  return {
    core,
    flush: () => engine.flush(0)?.events.map(({ event }) => event.change.type) ?? [],
    register(...names) {
      const capabilities = names.map((name) => ({ name, version: '', maxConcurrency: 0 }));
      const rest = { labels: {}, slots: 1, held: [], phase: 'ACTIVE' } as const;
      const input = { executorId: 'e', capabilities, ...rest };
      engine.step({ type: 'RegisterExecutor', callId: 1, input }, 0);
    },
  };
}

function submit(core: Core, tasks: Parameters<typeof spec>[0]): void {
  const rest = { chosen: true, onConflict: 'FAIL', traceparent: '', request: undefined } as const;
  const input = { runId: 'r', graph: graphOf(spec(tasks)), ...rest };
  engineOn(core).step({ type: 'SubmitRun', callId: 2, input }, 0);
}

test('a flood of capabilities that nobody offers is not gone through for a start', () => {
  const { core, flush, register } = createPlace();
  const flood = Array.from({ length: 100 }, (_, index) => task(`t${index}`, { capability: `c${index}` }));
  submit(core, [...flood, task('wanted')]);
  register('test');
  core.queues[Symbol.iterator] = () => {
    throw new Error('looked at every queue');
  };

  expect(flush()).toEqual(['RunSubmitted', 'TaskStarted']);
});

test('what a refused assignment makes ready, in whichever queue, starts at once', () => {
  const { core, flush, register } = createPlace();
  submit(core, [
    task('too-large', { input: payload('x'.repeat(5_000)) }),
    task('handler', { capability: 'other', after: ['too-large!'] }),
  ]);
  register('test', 'other');

  expect(flush()).toEqual(['RunSubmitted', 'TaskFailed', 'TaskReady', 'TaskStarted']);
});
