// Planted bugs in how an engine is driven: commits, loading, repeats, watching.

import type { Mutation } from '../mutation.ts';

export const RUNTIME_MUTATIONS: readonly Mutation[] = [
  {
    name: 'effects-released-before-commit',
    promise: 3,
    breaks:
      'Answers, assignments and events leave while the commit that they come of is still being written.',
    file: 'runtime/namespace-driver.ts',
    source: 'else committing = commit(session, output, prepared);',
    replacement: `else {
      release(session, output, prepared.committed);
      committing = commit(session, { ...output, effects: [] }, { ...prepared, committed: [] });
    }`,
  },
  {
    name: 'effects-released-after-failed-commit',
    promise: 3,
    breaks: 'What was never written leaves all the same, unless another owner is the cause.',
    file: 'runtime/namespace-driver.ts',
    source: 'if (failure === undefined) release(',
    replacement: 'if (!isFenced(failure)) release(',
  },
  {
    name: 'engine-kept-after-failed-commit',
    promise: 8,
    breaks:
      'The engine goes on from a state that is not on disk, and nothing it decides can be written any more.',
    file: 'runtime/namespace-driver.ts',
    source: `if (failure !== undefined) {
      drop(from, failure);`,
    replacement: `if (isFenced(failure)) {
      drop(from, failure);`,
  },
  {
    name: 'revision-reused-after-crash',
    promise: 2,
    breaks: 'After a restart the first event takes the revision of the last one before it.',
    file: 'runtime/session.ts',
    source: 'engine: createEngine(options, latestRevision, runs',
    replacement: 'engine: createEngine(options, Math.max(0, latestRevision - 1), runs',
  },
  {
    name: 'last-event-not-replayed',
    promise: 2,
    breaks: 'A restart takes back the last change of each run.',
    file: 'runtime/load.ts',
    source: 'of stored.events) {',
    replacement: 'of stored.events.slice(0, Math.max(1, stored.events.length - 1))) {',
  },
  {
    name: 'cancel-lost-on-failover',
    promise: 5,
    breaks: 'A restart forgets that a task was told to stop, and it goes on to another end.',
    file: 'runtime/load.ts',
    source: 'else if (state !== undefined) state = evolve(state, event);',
    replacement:
      "else if (state !== undefined && change.type !== 'TaskCancelling') state = evolve(state, event);",
  },
  {
    name: 'pause-lost-on-failover',
    promise: 5,
    breaks: 'A restart forgets that a run is paused, and starts its tasks.',
    file: 'runtime/load.ts',
    source: 'else if (state !== undefined) state = evolve(state, event);',
    replacement: "else if (state !== undefined && change.type !== 'RunPaused') state = evolve(state, event);",
  },
  {
    name: 'repeats-not-in-turn',
    promise: 2,
    breaks: 'A call that is repeated while the first is under way has its effect twice.',
    file: 'runtime/repeat-guard.ts',
    source: 'const mine = before === undefined ? work() : before.then(work, work);',
    replacement: 'const mine = work();',
  },
  {
    name: 'repeat-looked-up-too-early',
    promise: 2,
    breaks: 'A call is made again although its answer is kept, if it was kept in the last moment.',
    file: 'runtime/repeat-guard.ts',
    source: 'if (known === undefined) return call();\n      if (known.fingerprint',
    replacement:
      'if (known === undefined || clock.nowMs() - known.atMs < 1_000) return call();\n      if (known.fingerprint',
  },
  {
    name: 'answer-not-kept-with-effect',
    promise: 1,
    breaks: 'A call that changed something is answered, and the answer is not on disk for its repeats.',
    file: 'runtime/commit-batch.ts',
    source: 'requests: requestRows(output, nowMs),',
    replacement: 'requests: events.length > 8 ? [] : requestRows(output, nowMs),',
  },
  {
    name: 'row-left-behind',
    promise: 2,
    breaks: 'The row of a task says something else than its events.',
    file: 'runtime/commit-batch.ts',
    source: 'attemptCount: status.attempts.length,',
    replacement: 'attemptCount: status.attempts.length - status.pastAttempts,',
  },
  {
    name: 'watcher-resumed-one-too-far',
    promise: 6,
    breaks: 'A watcher that comes back misses the event after the last one it saw.',
    file: 'runtime/watch.ts',
    source: 'let cursor = afterRevision;\n    yield',
    replacement: 'let cursor = afterRevision === 0 ? 0 : afterRevision + 1;\n    yield',
  },
  {
    name: 'watcher-sees-twice',
    promise: 6,
    breaks: 'What is both in the store and on its way when a watcher begins to read comes twice.',
    file: 'runtime/watch.ts',
    source: 'const fresh = taken.filter(({ event }) => event.revision > cursor);',
    replacement: 'const fresh = taken.filter(({ event }) => event.revision >= cursor);',
  },
  {
    name: 'watcher-skips-head',
    promise: 6,
    breaks: 'A watcher that reads from the store stops one event short of where the live events begin.',
    file: 'runtime/watch.ts',
    source: 'while (cursor < head) {',
    replacement: 'while (cursor < head - 1) {',
  },
  {
    name: 'hub-begins-at-zero',
    promise: 6,
    breaks: 'After a restart watchers are told that there is nothing before what comes next.',
    file: 'runtime/session.ts',
    source: 'hub: createEventHub(latestRevision),',
    replacement: 'hub: createEventHub(0),',
  },
  {
    name: 'archived-run-done-again',
    promise: 5,
    breaks: 'A run that was archived, so that nothing changes it any more, is begun anew.',
    file: 'runtime/reruns.ts',
    source: 'if (row.archived) return archived(input.runId);',
    replacement: "if (row.archived && input.scope === 'ALL') return archived(input.runId);",
  },
  {
    name: 'commits-under-way-together',
    promise: 2,
    breaks: 'The next batch is handed over while the fate of the one before it is open.',
    file: 'runtime/namespace-driver.ts',
    source: 'else committing = commit(session, output, prepared);',
    replacement: 'else void commit(session, output, prepared);',
  },
  {
    name: 'stall-not-noticed',
    promise: 8,
    breaks: 'Executors are given up because the orchestrator itself stood still and heard nobody.',
    file: 'runtime/stall-watch.ts',
    source: 'if (lateMs > TOLERANCE_MS) {',
    replacement: 'if (lateMs > TOLERANCE_MS * 100) {',
  },
];
