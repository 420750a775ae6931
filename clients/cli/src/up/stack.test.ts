// `up` keeps real processes; here they are small scripts that speak as the real programs do.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Child, type ChildSpec, startChild } from './child.ts';
import type { UpOptions } from './programs.ts';
import type { RestartPolicy } from './restarts.ts';
import { type Stack, type StackParts, startStack } from './stack.ts';

const options: UpOptions = {
  dataFolder: '/nowhere',
  grpcPort: 0,
  httpPort: 0,
  natsUrl: undefined,
  natsServer: undefined,
  executorCount: 2,
  slots: 1,
  namespace: 'default',
};

const waitForTheEnd = `process.on('SIGTERM', () => process.exit(0)); process.stdin.resume().on('end', () => process.exit(0));`;
const goodOrchestrator = `${waitForTheEnd} console.log('{"grpc":"a:1","http":"http://a:2","nats":"nats://a:3"}');`;
const goodExecutor = `${waitForTheEnd} console.log(JSON.stringify({ executor: process.env.TUTTI_EXECUTOR_ID }));`;

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-up-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

interface Started {
  readonly spec: ChildSpec;
  readonly child: Child;
}

/** Starts scripts instead of the programs, and remembers them in order. */
function scripted(orchestrator: string, executor: string) {
  const started: Started[] = [];
  let onStart = (): void => {};
  onTestFinished(() => {
    for (const { child } of started) child.kill();
  });
  return {
    started,
    /** Waits until so many programs were started in all. */
    async count(total: number): Promise<void> {
      while (started.length < total) {
        await new Promise<void>((resolve) => {
          onStart = resolve;
        });
      }
    },
    start(spec: ChildSpec): Child {
      const script = spec.name === 'the orchestrator' ? orchestrator : executor;
      const child = startChild({ ...spec, args: ['-e', script] });
      started.push({ spec, child });
      onStart();
      return child;
    },
  };
}

const never = new AbortController().signal;
const soon: RestartPolicy = { initialDelayMs: 1, maxDelayMs: 1, maxRestarts: 3, wellAfterMs: 60_000 };

function partsOf(programs: ReturnType<typeof scripted>): StackParts {
  return { start: programs.start, orchestratorPolicy: soon, executorPolicy: soon };
}

async function startWell(programs: ReturnType<typeof scripted>): Promise<Stack> {
  return startStack(options, never, () => {}, partsOf(programs));
}

test('answers when the orchestrator and every executor are ready, with what the orchestrator said', async () => {
  const programs = scripted(goodOrchestrator, goodExecutor);
  const stack = await startWell(programs);
  expect(stack.addresses).toEqual({ grpc: 'a:1', http: 'http://a:2', nats: 'nats://a:3' });
  expect(programs.started).toHaveLength(3);
  expect(programs.started[1]?.spec.env.TUTTI_NATS_URL).toBe('nats://a:3');
  const ids = programs.started.slice(1).map(({ spec }) => spec.env.TUTTI_EXECUTOR_ID);
  expect(new Set(ids).size).toBe(2);
  await stack.stop();
});

test('stops executors before the orchestrator, so that they can report', async () => {
  const programs = scripted(goodOrchestrator, goodExecutor);
  const stack = await startWell(programs);
  const ends: string[] = [];
  const all = programs.started.map(async ({ spec, child }) => {
    const end = await child.ended;
    ends.push(spec.name === 'the orchestrator' ? 'orchestrator' : 'executor');
    return end;
  });
  await stack.stop();
  expect(await Promise.all(all)).toEqual([
    { code: 0, signal: null },
    { code: 0, signal: null },
    { code: 0, signal: null },
  ]);
  expect(ends).toEqual(['executor', 'executor', 'orchestrator']);
});

test('starts an executor again when it dies, under the same id', async () => {
  const programs = scripted(goodOrchestrator, goodExecutor);
  const stack = await startWell(programs);
  programs.started[1]?.child.kill();
  await programs.count(4);
  expect(programs.started[3]?.spec.env.TUTTI_EXECUTOR_ID).toBe(
    programs.started[1]?.spec.env.TUTTI_EXECUTOR_ID,
  );
  await programs.started[3]?.child.ready;
  await stack.stop();
});

test('promise 8: starts the orchestrator again on the same ports when it dies; executors stay', async () => {
  const programs = scripted(goodOrchestrator, goodExecutor);
  const stack = await startWell(programs);
  programs.started[0]?.child.kill();
  await programs.count(4);
  const again = programs.started[3];
  expect(again?.spec.args).toEqual(expect.arrayContaining(['--data', '/nowhere', '--grpc-port', '1']));
  expect(again?.spec.args).toEqual(expect.arrayContaining(['--http-port', '2']));
  await again?.child.ready;
  await stack.stop();
  expect(programs.started).toHaveLength(4);
});

test('executors are started again where NATS is now, if it could not have its port again', async () => {
  const file = join(await temporaryFolder(), 'started');
  const moving = `${waitForTheEnd}
    const fs = require('node:fs');
    fs.appendFileSync(${JSON.stringify(file)}, 'x');
    const nats = 'nats://a:' + fs.statSync(${JSON.stringify(file)}).size;
    console.log(JSON.stringify({ grpc: 'a:1', http: 'http://a:2', nats }));`;
  const programs = scripted(moving, goodExecutor);
  const stack = await startWell(programs);
  programs.started[0]?.child.kill();
  await programs.count(6);
  const urls = programs.started.map(({ spec }) => spec.env.TUTTI_NATS_URL);
  expect(urls.slice(1)).toEqual(['nats://a:1', 'nats://a:1', undefined, 'nats://a:2', 'nats://a:2']);
  await stack.stop();
});

test('gives up an orchestrator that keeps dying, and is gone soon although executors are slow to leave', async () => {
  const file = join(await temporaryFolder(), 'started');
  const dying = `${waitForTheEnd}
    const fs = require('node:fs');
    if (fs.existsSync(${JSON.stringify(file)})) process.exit(9);
    fs.writeFileSync(${JSON.stringify(file)}, '');
    console.log('{"grpc":"a:1","http":"http://a:2","nats":"nats://a:3"}');`;
  // Drains for ever, as it would without anybody to answer; but a hang-up makes it drop everything.
  const slow = `process.on('SIGTERM', () => {}); process.stdin.resume(); console.log('{}');`;
  const programs = scripted(dying, slow);
  const stack = await startWell(programs);
  programs.started[0]?.child.kill();
  expect(await stack.broken).toBe('the orchestrator ended again and again, the last time with exit code 9');
  // The first, and as often as the policy allows.
  expect(programs.started.filter(({ spec }) => spec.name === 'the orchestrator')).toHaveLength(4);
  await stack.stop();
  const ends = programs.started.filter(({ spec }) => spec.name !== 'the orchestrator');
  expect(await Promise.all(ends.map(({ child }) => child.ended))).toEqual([
    { code: null, signal: 'SIGHUP' },
    { code: null, signal: 'SIGHUP' },
  ]);
});

test.each([
  [
    'the orchestrator cannot start',
    'process.exit(7)',
    goodExecutor,
    'the orchestrator ended before it was ready (exit code 7)',
  ],
  [
    'the orchestrator says something else',
    `${waitForTheEnd} console.log('hello');`,
    goodExecutor,
    'the orchestrator said "hello"',
  ],
  [
    'an executor cannot start',
    goodOrchestrator,
    'process.exit(3)',
    'ended before it was ready (exit code 3)',
  ],
])('when %s, says so and leaves nothing running', async (_, orchestrator, executor, message) => {
  const programs = scripted(orchestrator, executor);
  await expect(startWell(programs)).rejects.toThrow(message);
  await Promise.all(programs.started.map(({ child }) => child.ended));
});

test('an interrupted start leaves nothing running', async () => {
  const programs = scripted(waitForTheEnd, goodExecutor);
  const interrupt = new AbortController();
  const start = startStack(options, interrupt.signal, () => {}, partsOf(programs));
  interrupt.abort();
  await expect(start).rejects.toThrow('interrupted');
  await programs.started[0]?.child.ended;
});

test('children do not outlive a parent that was killed', async () => {
  const child = JSON.stringify(new URL('./child.ts', import.meta.url).href);
  const program = JSON.stringify(`${waitForTheEnd} console.log('{}');`);
  const script = `
    import { startChild } from ${child};
    const started = startChild({
      name: 'child',
      args: ['-e', ${program}],
      env: process.env,
    });
    await started.ready;
    console.log('ready');
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  await once(parent.stdout, 'data');
  // The child writes to the parent's stderr: that pipe ends when the last of them is gone.
  const allGone = once(parent.stderr.resume(), 'end');
  parent.kill('SIGKILL');
  await allGone;
});
