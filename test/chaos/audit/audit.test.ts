// Can the audit fail? An honest log passes; each forged one is found, by the rule that is for it.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { AttemptState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { expect, test } from 'vitest';
import type { ClientNotes, ExecutorNote } from '../notes.ts';
import { digestOf } from '../notes.ts';
import { fingerprintOf } from '../pulse.ts';
import { audit } from './audit.ts';
import type { LogEntry } from './log.ts';

type Change = NonNullable<MessageInitShape<typeof EventSchema>['change']>;

const result = { data: { case: 'bytes' as const, value: new TextEncoder().encode('7') } };
const DIGEST = digestOf({ $typeName: 'tutti.v1.Payload', contentType: '', ...result });

interface Step {
  readonly run: string;
  readonly task?: string;
  readonly change: Change;
  readonly lease?: string;
}

interface Forgery {
  steps: Step[];
  clients: ClientNotes;
  executors: ExecutorNote[];
  /** What the watcher is made to have seen. */
  seen: (events: readonly Event[]) => readonly Event[];
  /** Revisions, where they are not 1, 2, 3, … */
  revisionOf: (index: number) => number;
}

const submitted = (run: string, request: string): Step => ({
  run,
  change: { case: 'runSubmitted', value: { taskCount: 1, labels: { request } } },
});
const started = (run: string, lease: string, attempt = 1, executorId = 'executor-1'): Step => ({
  run,
  task: 'only',
  lease,
  change: { case: 'taskStarted', value: { attempt, executorId } },
});
const completed = (run: string, attempt = 1): Step => ({
  run,
  task: 'only',
  change: { case: 'taskCompleted', value: { attempt, result } },
});
const lost = (run: string): Step => ({
  run,
  task: 'only',
  change: { case: 'taskRetrying', value: { attempt: 1, attemptState: AttemptState.LOST } },
});
const ended = (run: string): Step => ({ run, change: { case: 'runCompleted', value: { output: result } } });
const toldToStop = (run: string): Step => ({
  run,
  task: 'only',
  change: { case: 'taskCancelling', value: {} },
});

function answered(lease: string, status: 'RECORDED' | 'STALE' = 'RECORDED', digest = DIGEST): ExecutorNote {
  return { note: 'answered', executorId: 'executor-1', lease, outcome: 'completed', digest, status };
}
const assigned = (lease: string, runId: string, attempt = 1): ExecutorNote => ({
  note: 'assigned',
  executorId: 'executor-1',
  lease,
  runId,
  taskKey: 'only',
  attempt,
});

/** Two runs of one task, one of which is lost once. */
function honest(): Forgery {
  return {
    steps: [
      submitted('a', 'request-a'),
      started('a', 'lease-a1'),
      submitted('b', 'request-b'),
      lost('a'),
      started('b', 'lease-b1'),
      { run: 'a', task: 'only', change: { case: 'taskReady', value: {} } },
      started('a', 'lease-a2', 2),
      completed('b'),
      ended('b'),
      completed('a', 2),
      ended('a'),
    ],
    clients: {
      submissions: ['a', 'b'].map((runId) => ({
        requestId: `request-${runId}`,
        kind: 'single',
        runId,
        end: 'COMPLETED',
        output: 7,
      })),
      calls: [],
      ends: [{ runId: 'a', state: 'COMPLETED' }],
      refusals: [],
    },
    executors: [
      assigned('lease-a1', 'a'),
      assigned('lease-b1', 'b'),
      assigned('lease-a2', 'a', 2),
      answered('lease-a1', 'STALE'),
      answered('lease-b1'),
      answered('lease-a2'),
      answered('lease-a2'),
    ],
    seen: (events) => events,
    revisionOf: (index) => index + 1,
  };
}

function judge(forge: (forgery: Forgery) => void): readonly string[] {
  const forgery = honest();
  forge(forgery);
  const log = forgery.steps.map(({ run, task = '', change, lease = '' }, index): LogEntry => {
    const time = { seconds: BigInt(1_700_000_000 + index) };
    const revision = BigInt(forgery.revisionOf(index));
    return {
      event: create(EventSchema, { revision, time, runId: run, taskKey: task, change }),
      leaseToken: lease,
    };
  });
  const seen = forgery.seen(log.map(({ event }) => event)).map(fingerprintOf);
  return audit({ log, clients: forgery.clients, executors: forgery.executors, seen, slots: 2 }).violations;
}

test('an honest log passes', () => {
  expect(judge(() => {})).toEqual([]);
});

const FORGERIES: readonly (readonly [string, RegExp, (forgery: Forgery) => void])[] = [
  [
    'an acknowledged submission that is not there',
    /^N1: the submission request-c \(single\) was acknowledged as c, and there is no such run/,
    ({ clients }) =>
      clients.submissions.push({
        requestId: 'request-c',
        kind: 'single',
        runId: 'c',
        end: 'COMPLETED',
        output: 7,
      }),
  ],
  [
    'a request that makes two runs',
    /^N1: the submission request-a \(single\) has made 2 runs/,
    ({ steps }) =>
      steps.push(submitted('c', 'request-a'), started('c', 'lease-c'), completed('c'), ended('c')),
  ],
  [
    'a run that ends twice',
    /^A2: revision 12, runCompleted of a\/: the run had ended/,
    ({ steps }) => steps.push(ended('a')),
  ],
  [
    'a task that ends twice',
    /^A3: revision 9, taskCompleted of b\/only: the task had ended/,
    ({ steps }) => steps.splice(8, 0, completed('b')),
  ],
  ['a run that never ends', /^N2: the run a has not ended/, ({ steps }) => steps.pop()],
  [
    'a run that ends before its task does',
    /^A2: .*runCompleted of b\/: its task only has not ended/,
    ({ steps }) => steps.splice(7, 1),
  ],
  [
    'a gap in the revisions',
    /^A1: revision 5, .*: it follows revision 3/,
    (forgery) => {
      forgery.revisionOf = (index) => (index < 3 ? index + 1 : index + 2);
    },
  ],
  [
    'a revision that is given twice',
    /^A1: revision 3, .*: it follows revision 3/,
    (forgery) => {
      forgery.revisionOf = (index) => (index < 3 ? index + 1 : index);
    },
  ],
  [
    'two outcomes of one attempt',
    /^A4: revision 5, taskRetrying of a\/only: attempt 1 had its outcome/,
    ({ steps }) => steps.splice(4, 0, lost('a')),
  ],
  [
    'two outcomes that were acknowledged for one lease',
    /^N5: .* of lease-a2 is recorded; so was completed/,
    ({ executors }) => executors.push(answered('lease-a2', 'RECORDED', 'another')),
  ],
  [
    'an acknowledged outcome that is not the one on disk',
    /^N5: .*completed another of lease-b1 is recorded; the log says COMPLETED/,
    ({ executors }) => executors.splice(4, 1, answered('lease-b1', 'RECORDED', 'another')),
  ],
  [
    'an acknowledged outcome of an attempt that is lost',
    /^N5: .* of lease-a1 is recorded; the log says LOST/,
    ({ executors }) => executors.push(answered('lease-a1')),
  ],
  [
    'a lease that is given twice',
    /^A5: .*: the lease lease-a1 was given before/,
    ({ steps }) => steps.splice(6, 1, started('a', 'lease-a1', 2)),
  ],
  [
    'work that was given out before it was on disk',
    /^N4: executor-1 was given a\/only 3 \(lease-x\); the log has no such lease/,
    ({ executors }) => executors.push(assigned('lease-x', 'a', 3)),
  ],
  [
    'work of one executor that another was given',
    /^N4: executor-1 was given b\/only 1 \(lease-b1\); the log says executor-2/,
    ({ steps }) => steps.splice(4, 1, started('b', 'lease-b1', 1, 'executor-2')),
  ],
  [
    'two attempts at once',
    /^A4: .*taskStarted of a\/only: attempt 1 has no outcome yet/,
    ({ steps }) => steps.splice(3, 1),
  ],
  [
    'more leases than slots',
    /^A6: .*: executor-1 holds 3 leases in 2 slots/,
    ({ steps }) => {
      const more = ['c', 'd', 'e'];
      steps.push(...more.flatMap((run) => [submitted(run, ''), started(run, `lease-${run}`)]));
      steps.push(...more.flatMap((run) => [completed(run), ended(run)]));
    },
  ],
  [
    'a cancelled attempt that completes',
    /^A7: .*taskCompleted of b\/only: the attempt was told to stop/,
    ({ steps }) => steps.splice(5, 0, toldToStop('b')),
  ],
  [
    'work of a paused run',
    /^A7: .*taskStarted of a\/only: the run is paused/,
    ({ steps }) => steps.splice(6, 0, { run: 'a', change: { case: 'runPaused', value: {} } }),
  ],
  [
    'a cancellation that was acknowledged and is not there',
    /^N3: the cancel of a was acknowledged, and the log has it 0 times/,
    ({ clients }) => clients.calls.push({ call: 'cancel', runId: 'a', mark: 'mark' }),
  ],
  [
    'a signal that came twice',
    /^N3: the signal of a was acknowledged, and the log has it 2 times/,
    ({ steps, clients }) => {
      const payload = { data: { case: 'bytes' as const, value: new TextEncoder().encode('{"mark":"m"}') } };
      const signal: Step = { run: 'a', change: { case: 'runSignalled', value: { name: 'go', payload } } };
      steps.splice(6, 0, signal, signal);
      clients.calls.push({ call: 'signal', runId: 'a', mark: 'm' });
    },
  ],
  [
    'an end that somebody was told of, and another one on disk',
    /^N2: a client was told that b is CANCELLED; the log says COMPLETED/,
    ({ clients }) => clients.ends.push({ runId: 'b', state: 'CANCELLED' }),
  ],
  [
    'a run that comes to something else',
    /^N2: the submission request-b \(single\) should have come to 7; b came to undefined/,
    ({ steps }) => steps.splice(8, 1, { run: 'b', change: { case: 'runCompleted', value: {} } }),
  ],
  [
    'an event that the watcher missed',
    /^N6: in place 3 the log has revision 3, and the watcher saw 4/,
    (forgery) => {
      forgery.seen = (events) => events.filter((_, index) => index !== 2);
    },
  ],
  [
    'an event that the watcher saw otherwise',
    /^N6: in place 1 the log has revision 1, and the watcher saw another one of that number/,
    (forgery) => {
      forgery.seen = ([first, ...rest]) => [{ ...(first as Event), runId: 'other' }, ...rest];
    },
  ],
  [
    'a submission that was refused',
    /^N7: submit single: INTERNAL/,
    ({ clients }) => clients.refusals.push('submit single: INTERNAL'),
  ],
];

test.each(FORGERIES)('found: %s', (_, expected, forge) => {
  expect(judge(forge)).toContainEqual(expect.stringMatching(expected));
});
