import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AttemptAbortedError } from '@tutti/client/executor';
import { expect, test } from 'vitest';
import { createTestContext } from '../testing/attempt-context.ts';
import { createCommandRun } from './command-run.ts';

const run = createCommandRun(
  new Map([
    ['node', process.execPath],
    ['missing', '/nonexistent/program'],
  ]),
);

function node(script: string, more: object = {}, context = createTestContext()) {
  return Promise.resolve(run({ command: 'node', args: ['-e', script], ...more }, context));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** There is no signal for the end of a process that is not a child of this one. */
async function becomesDead(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 5_000 && isAlive(pid); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return !isAlive(pid);
}

test('gives stdin, takes stdout and stderr', async () => {
  const script = `process.stdin.pipe(process.stdout); process.stderr.write('warned')`;
  expect(await node(script, { stdin: 'hello' })).toEqual({ exitCode: 0, stdout: 'hello', stderr: 'warned' });
});

test('arguments reach the program as they are: there is no shell', async () => {
  const args = ['-p', 'process.argv.slice(1).join("|")', '--', '$(id)', '; ls', '*', 'a b'];
  const result = await run({ command: 'node', args }, createTestContext());
  expect(result).toMatchObject({ stdout: '$(id)|; ls|*|a b\n' });
});

test('the environment of the executor stays its own', async () => {
  process.env['TUTTI_TEST_SECRET'] = 'secret';
  try {
    const result = await node('console.log(JSON.stringify(process.env))');
    const seen = JSON.parse((result as { stdout: string }).stdout) as object;
    expect(Object.keys(seen).sort()).toEqual(['HOME', 'LANG', 'PATH']);
  } finally {
    delete process.env['TUTTI_TEST_SECRET'];
  }
});

test('only what the allow-list names: no path, no other program', async () => {
  for (const command of [process.execPath, '/bin/sh', 'sh', '../node', 'toString']) {
    const attempt = Promise.resolve(run({ command }, createTestContext()));
    await expect(attempt).rejects.toMatchObject({ name: 'FinalError', code: 'COMMAND_NOT_ALLOWED' });
  }
});

test('a failure is a retryable error with the output, or a result where that is asked for', async () => {
  const script = `console.log('so far'); process.exit(3)`;
  await expect(node(script)).rejects.toMatchObject({
    name: 'RetryableError',
    code: 'COMMAND_FAILED',
    details: { exitCode: 3, stdout: 'so far\n' },
  });
  expect(await node(script, { allowFailure: true })).toMatchObject({ exitCode: 3 });
  await expect(node('process.kill(process.pid, "SIGKILL")')).rejects.toMatchObject({
    code: 'COMMAND_KILLED',
  });
  await expect(Promise.resolve(run({ command: 'missing' }, createTestContext()))).rejects.toMatchObject({
    code: 'COMMAND_NOT_STARTED',
  });
});

test('output without end is cut off, time without end too', async () => {
  const endless = `setInterval(() => process.stdout.write('x'.repeat(65536)), 0)`;
  await expect(node(endless, { maxOutputBytes: 1000 })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  await expect(node('setInterval(() => {}, 1000)', { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'TIMED_OUT',
  });
});

test('output that is too large for a payload fails for good, as it comes or as JSON', async () => {
  const refusal = { name: 'FinalError', code: 'OUTPUT_TOO_LARGE' };
  const small = () => createTestContext({ maxPayloadBytes: 1_000 });
  await expect(node(`console.log('x'.repeat(2000))`, {}, small())).rejects.toMatchObject(refusal);
  await expect(node(`console.log('\\n'.repeat(600))`, {}, small())).rejects.toMatchObject(refusal);
  expect(await node(`console.log('x'.repeat(600))`, {}, small())).toMatchObject({ exitCode: 0 });
});

test('what leaves the group and keeps the pipes open is not waited for', async () => {
  const script = `
    const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit', detached: true });
    child.unref();
    console.log(child.pid);
    process.exit(0);
  `;
  let pid = 0;
  try {
    // As an exit, and long before the time limit.
    const startedMs = performance.now();
    const { stdout } = (await node(script, { timeoutMs: 60_000 })) as { stdout: string };
    pid = Number(stdout);
    expect(performance.now() - startedMs).toBeLessThan(50_000);
    expect(isAlive(pid)).toBe(true);
  } finally {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  }
});

/** A program with a child in its group, both deaf to SIGTERM, that writes both ids to a file. */
function deafFamily(file: string): string {
  const deaf = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);`;
  return `
    const child = require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(deaf)}], { stdio: 'inherit' });
    ${deaf}
    require('fs').writeFileSync(${JSON.stringify(`${file}.part`)}, JSON.stringify([process.pid, child.pid]));
    require('fs').renameSync(${JSON.stringify(`${file}.part`)}, ${JSON.stringify(file)});
  `;
}

async function readPids(file: string): Promise<readonly number[]> {
  for (let tries = 0; ; tries += 1) {
    try {
      return JSON.parse(await readFile(file, 'utf8')) as number[];
    } catch (error) {
      if (tries > 5_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

test('cancelled: asked to stop, then made to, with everything it started', async () => {
  const file = join(tmpdir(), `tutti-command-test-${process.pid}.json`);
  try {
    const context = createTestContext();
    const attempt = node(deafFamily(file), {}, context);
    const pids = await readPids(file);
    const reason = new AttemptAbortedError('CANCEL_REQUESTED', 200);
    context.abort(reason);
    await expect(attempt).rejects.toBe(reason);
    for (const pid of pids) expect(await becomesDead(pid), `process ${pid}`).toBe(true);
  } finally {
    await rm(file, { force: true });
  }
});

test('what a program leaves running ends with it', async () => {
  const script = `
    const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    child.unref();
    console.log(child.pid);
    process.exit(0);
  `;
  const { stdout } = (await node(script)) as { stdout: string };
  expect(await becomesDead(Number(stdout))).toBe(true);
});

test.each([
  {},
  { command: 'node', args: 'x' },
  { command: 'node', args: ['a\0b'] },
  { command: 'node', env: {} },
])('refuses %j', async (input) => {
  const attempt = Promise.resolve(run(input, createTestContext()));
  await expect(attempt).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});
