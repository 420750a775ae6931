// Submitting and waiting in one call, against a scripted gRPC server: what is sent, and what becomes of breaks.

import { status } from '@grpc/grpc-js';
import { RunIdConflict, type SubmitRunRequest } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failure, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts';
import { type Client, ClientClosedError, createClient } from './index.ts';

let server: ScriptedServer;
let client: Client;
let submissions: SubmitRunRequest[];
let polls: number;

beforeEach(async () => {
  server = await startScriptedServer();
  client = createClient({ address: server.address, namespace: 'ns', retry: { initialDelayMs: 5 } });
  submissions = [];
  polls = 0;
});
afterEach(() => {
  client.close();
  server.kill();
});

type Answer = { finished?: boolean; run?: { runId: string; state: RunState } };
const ENDED: Answer = { finished: true, run: { runId: 'r', state: RunState.COMPLETED } };
const UNDER_WAY: Answer = { finished: false, run: { runId: 'r', state: RunState.RUNNING } };
const task = { capability: 'echo', input: 'x' };

/** One answer for each submission; undefined: it never comes. */
function script(...answers: (Answer | Error | object | undefined)[]) {
  const asked = Promise.withResolvers<void>();
  server.handlers.submitRun = (request, { signal }) => {
    submissions.push(request);
    asked.resolve();
    const answer = answers[submissions.length - 1];
    if (answer === undefined) {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))));
    }
    if ('code' in answer) throw answer;
    return { runId: 'r', revision: 7n, ...answer };
  };
  server.handlers.waitRun = () => {
    polls += 1;
    return polls < 2 ? UNDER_WAY : ENDED;
  };
  return asked.promise;
}

test('one call submits the run and gives its end', async () => {
  script(ENDED);
  const outcome = await client.execute(task, { runId: 'r', onConflict: 'USE_EXISTING', requestId: 'mine' });
  expect(outcome).toMatchObject({ finished: true, succeeded: true, run: { runId: 'r' } });
  expect(outcome.handle).toMatchObject({ runId: 'r', revision: 7n, existed: false });
  expect(submissions).toMatchObject([
    {
      namespace: 'ns',
      requestId: 'mine',
      run: { runId: 'r', runIdConflict: RunIdConflict.USE_EXISTING, spec: { tasks: [{ key: 'task' }] } },
      wait: { seconds: 30n },
    },
  ]);
  expect(polls).toBe(0);
});

test('G.3: finished and succeeded are told apart', async () => {
  script({ finished: true, run: { runId: 'r', state: RunState.FAILED } });
  expect(await client.execute(task)).toMatchObject({ finished: true, succeeded: false });
});

test.each([
  ['goes on for longer', UNDER_WAY],
  ['cannot be waited for any more', {}],
])('a run that %s is waited for as any other', async (_what, answer) => {
  script(answer);
  expect(await client.execute(task)).toMatchObject({ finished: true, succeeded: true });
  expect([submissions.length, polls]).toEqual([1, 2]);
});

test('says not finished when its time is over, and gives the run all the same', async () => {
  server.handlers.submitRun = async ({ wait }) => {
    expect(wait).toMatchObject({ seconds: 0n });
    expect(wait?.nanos).toBeLessThanOrEqual(20_000_000);
    await new Promise((resolve) => setTimeout(resolve, 25));
    return { runId: 'r', ...UNDER_WAY };
  };
  const outcome = await client.execute(task, { timeoutMs: 20 });
  expect(outcome).toMatchObject({ finished: false, succeeded: false, handle: { runId: 'r' } });
  expect(polls).toBe(0);
});

test.each([
  ['with the repeats of a call', {}],
  ['without them', { maxAttempts: 1 }],
])(
  'bears a server that dies and comes back, %s: the request id says that it is one run',
  async (_how, retry) => {
    const asked = script(undefined, ENDED);
    const waiting = createClient({ address: server.address, retry: { initialDelayMs: 5, ...retry } });
    try {
      const executed = waiting.execute(task);
      await asked;
      server.kill();
      await server.restart();
      expect(await executed).toMatchObject({ finished: true, succeeded: true });
      expect(submissions).toHaveLength(2);
      expect(submissions[1]?.requestId).toBe(submissions[0]?.requestId);
      expect(submissions[0]?.requestId).not.toBe('');
    } finally {
      waiting.close();
    }
  },
);

test('gives up when nobody has answered for so long', async () => {
  const asked = script(undefined);
  const impatient = createClient({ address: server.address, retry: { maxAttempts: 1 } });
  try {
    const executed = impatient.execute(task, { giveUpAfterMs: 100 });
    const failed = expect(executed).rejects.toMatchObject({ reason: '' });
    await asked;
    server.kill();
    await failed;
  } finally {
    impatient.close();
  }
});

test('gives up on an address soon where no orchestrator ever answered', async () => {
  server.kill();
  const lost = createClient({ address: server.address, retry: { initialDelayMs: 1, maxDelayMs: 2 } });
  try {
    await expect(lost.execute(task)).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: '' });
  } finally {
    lost.close();
  }
});

test('what is refused is told: after a time to come again as often as any call, else at once', async () => {
  script(failure(status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED', { retryDelayMs: 5 }), ENDED);
  expect(await client.execute(task)).toMatchObject({ finished: true });
  for (const [code, reason] of [
    [status.INVALID_ARGUMENT, 'DEPENDENCY_CYCLE'],
    [status.RESOURCE_EXHAUSTED, 'LIMIT_REACHED'],
  ] as const) {
    submissions = [];
    script(failure(code, reason));
    await expect(client.execute(task)).rejects.toMatchObject({ reason });
    expect(submissions).toHaveLength(1);
  }
});

test('an abort ends it, and so does a close', async () => {
  const asked = script(undefined, undefined);
  const gone = new AbortController();
  const aborted = expect(client.execute(task, { signal: gone.signal })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
  await asked;
  gone.abort();
  await aborted;
  const closed = expect(client.execute(task)).rejects.toBeInstanceOf(ClientClosedError);
  client.close();
  await closed;
});
