import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { TuttiError } from '@tutti/client/client';
import { expect, onTestFinished, test } from 'vitest';
import { startScriptedServer } from '../../typescript/src/testing/scripted-server.ts';
import { connect, toFailure } from './connect.ts';
import { Failure } from './failure.ts';

test.each([
  ['UNAVAILABLE', 4],
  ['DEADLINE_EXCEEDED', 4],
  ['INVALID_ARGUMENT', 2],
  ['NOT_FOUND', 1],
  ['FAILED_PRECONDITION', 1],
  ['RESOURCE_EXHAUSTED', 1],
] as const)('%s gives the exit code %i', (code, expected) => {
  expect(toFailure(new TuttiError('no', { code }), 'a:1')).toMatchObject({ exitCode: expected });
});

test('a refusal keeps its reason, its values and its fields', () => {
  const error = new TuttiError('dependencies go in a circle', {
    code: 'INVALID_ARGUMENT',
    reason: 'DEPENDENCY_CYCLE',
    metadata: { cycle: 'a -> b -> a' },
    fieldViolations: [{ field: 'run.spec.tasks', description: 'a cycle' }],
  });
  const failure = toFailure(error, 'a:1');
  expect(failure).toBeInstanceOf(Failure);
  expect((failure as Failure).details).toEqual({
    code: 'INVALID_ARGUMENT',
    reason: 'DEPENDENCY_CYCLE',
    message: 'dependencies go in a circle',
    metadata: { cycle: 'a -> b -> a' },
    fields: [{ field: 'run.spec.tasks', description: 'a cycle' }],
  });
});

test('a defect is not dressed up as an answer', () => {
  const defect = new TypeError('x');
  expect(toFailure(defect, 'a:1')).toBe(defect);
});

test('a list asks for exactly what is left to its limit, so that its token leads on from there', async () => {
  const server = await startScriptedServer();
  const client = connect(server.address, 'ns');
  onTestFinished(() => {
    client.close();
    server.kill();
  });
  const asked: [number, string][] = [];
  server.handlers.listRuns = ({ pageSize, pageToken }) => {
    asked.push([pageSize, pageToken]);
    // As an orchestrator may whose page would be too large.
    return { runs: [{ runId: `r${asked.length}` }], nextPageToken: `after-${asked.length}` };
  };
  const filter = { states: [], labels: {}, submittedAfter: undefined, submittedBefore: undefined };
  const { runs, nextPageToken } = await client.listRuns(filter, 3, 'begin');
  expect(runs.map((run) => run.runId)).toEqual(['r1', 'r2', 'r3']);
  expect(nextPageToken).toBe('after-3');
  expect(asked).toEqual([
    [3, 'begin'],
    [2, 'after-1'],
    [1, 'after-2'],
  ]);
});

test('a call that breaks in the middle is asked again until the orchestrator is back', async () => {
  const server = await startScriptedServer();
  const client = connect(server.address, 'ns');
  onTestFinished(() => {
    client.close();
    server.kill();
  });
  const ids = new Set<string>();
  server.handlers.cancelRun = ({ requestId }) => {
    ids.add(requestId);
    if (ids.size === 1 && !isRestarted) {
      server.kill();
      // Longer than a few tries take.
      setTimeout(() => void server.restart(), 1_500);
      isRestarted = true;
      return new Promise(() => {});
    }
    return { cancelledCount: 1 };
  };
  let isRestarted = false;
  expect(await client.cancelRun('r', '')).toMatchObject({ cancelledCount: 1 });
  expect(ids.size).toBe(1);
});

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('the real command ends with 4, and says what to do, where nothing listens', async () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const address = `127.0.0.1:${await closedPort()}`;
  const command = spawn(process.execPath, [main, 'list', '-o', 'json', '--address', address]);
  onTestFinished(() => void command.kill('SIGKILL'));
  let stderr = '';
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(command, 'close');
  expect(code).toBe(4);
  const { error } = JSON.parse(stderr);
  expect(error.code).toBe('UNAVAILABLE');
  expect(error.message).toContain(`no orchestrator can be reached at ${address}`);
});
