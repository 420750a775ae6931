// The executor as a process, over a real nats-server, with the orchestrator's side scripted.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ExecutorPhase } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../../../clients/typescript/src/testing/nats-server.ts';
import {
  createScriptedOrchestrator,
  type ScriptedOrchestrator,
} from '../../../clients/typescript/src/testing/scripted-orchestrator.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const children: ChildProcess[] = [];
let nats: TestNatsServer;
let orchestrator: ScriptedOrchestrator;

beforeAll(async () => {
  nats = await startNatsServer();
});

afterAll(async () => {
  await nats?.kill();
});

beforeEach(async () => {
  orchestrator = await createScriptedOrchestrator(nats.url);
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await orchestrator.close();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [main, '--nats', nats.url, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  const output = { stderr: '' };
  child.stderr.on('data', (piece: Buffer) => {
    output.stderr += piece.toString();
  });
  return {
    child,
    output,
    firstLine: once(createInterface(child.stdout), 'line').then(([line]) => String(line)),
    ended: once(child, 'exit').then(([code]) => code as number | null),
  };
}

test('says when it takes work, performs it, and leaves on SIGTERM', async () => {
  const { child, firstLine, ended, output } = start('--id', 'ready-1', '--slots', '3', '--label', 'zone=a');
  expect(JSON.parse(await firstLine)).toEqual({ executor: 'ready-1' });
  expect(orchestrator.registrations[0]).toMatchObject({
    executorId: 'ready-1',
    slots: 3,
    labels: { zone: 'a' },
  });
  expect(orchestrator.registrations[0]?.capabilities.map((capability) => capability.name)).toContain(
    'text.stats',
  );

  const data = new TextEncoder().encode('{"text":"one two\\n"}');
  orchestrator.assign('ready-1', {
    leaseToken: 'lease-1',
    runId: 'run-1',
    taskKey: 'a',
    capability: 'text.stats',
    attempt: 1,
    input: { data: { case: 'bytes', value: data } },
  });
  await orchestrator.until('the report', () => orchestrator.reports.length > 0);
  const outcome = orchestrator.reports[0]?.outcome;
  expect(outcome?.case).toBe('completed');

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(orchestrator.heartbeats.at(-1)?.phase).toBe(ExecutorPhase.LEAVING);
  for (const line of output.stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg');
});

test('with --exit-with-parent it ends when the parent is gone', async () => {
  const { child, firstLine, ended } = start('--exit-with-parent');
  await firstLine;
  child.stdin.end();
  expect(await ended).toBe(0);
});

test('leaves on SIGHUP and gives back what it holds', async () => {
  const { child, firstLine, ended } = start('--id', 'ready-2');
  await firstLine;
  const data = new TextEncoder().encode('{"seconds":3600}');
  const input = { data: { case: 'bytes' as const, value: data } };
  orchestrator.assign('ready-2', {
    ...{ leaseToken: 'lease-2', runId: 'run-1', taskKey: 'b', capability: 'sleep', attempt: 1, input },
  });
  await orchestrator.until('a heartbeat with it', () =>
    orchestrator.heartbeats.some(({ attempts }) => attempts.length > 0),
  );
  child.kill('SIGHUP');
  expect(await ended).toBe(0);
  expect(orchestrator.reports.at(-1)?.outcome?.case).toBe('released');
});

test('ends on SIGTERM also while it still looks for its orchestrator', async () => {
  orchestrator.script.onRegister = () => undefined;
  const { child, ended } = start();
  await orchestrator.until('a registration', () => orchestrator.registrations.length > 0);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('wrong options end with exit code 2 and say what was wrong', async () => {
  const flag = start('--slots', 'many');
  expect(await flag.ended).toBe(2);
  expect(flag.output.stderr).toMatch(/--slots many/);
  const id = start('--id', 'bad id');
  expect(await id.ended).toBe(2);
  expect(id.output.stderr).toMatch(/id: "bad id" does not match/);
  const namespace = start('--namespace', 'Bad NS');
  expect(await namespace.ended).toBe(2);
  const capability = start('--capabilities', 'command.run');
  expect(await capability.ended).toBe(2);
  expect(capability.output.stderr).toMatch(/--allow-command/);
});
