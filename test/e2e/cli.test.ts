// The `tutti` command as a person uses it: real processes, real servers (issue 2, item 10).

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient } from '@tutti/client/client';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { followEvents } from '../support/event-follower.ts';
import { findDescendantsByCommand } from '../support/proc.ts';

const cli = fileURLToPath(new URL('../../clients/cli/src/main.ts', import.meta.url));

interface Addresses {
  readonly grpc: string;
  readonly http: string;
  readonly nats: string;
}

interface Up {
  readonly addresses: Addresses;
  readonly process: ChildProcess;
  /** Exit code and signal of `up` itself. */
  readonly ended: Promise<unknown[]>;
  /** `up` and all that it started are gone: nobody holds its stderr any more. */
  readonly allGone: Promise<unknown>;
  stop(): Promise<unknown[]>;
  /** Throws, with the log, if it has ended by itself. */
  assertAlive(): void;
}

async function startUp(dataFolder: string, ...args: string[]): Promise<Up> {
  const ports = ['--grpc-port', '0', '--http-port', '0'];
  const up = spawn(
    process.execPath,
    [cli, 'up', '-o', 'json', '--exit-with-parent', '--data', dataFolder, ...ports, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const ended = once(up, 'exit');
  let log = '';
  up.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-10_000);
  });
  const allGone = once(up.stderr, 'end');
  const firstLine = once(createInterface({ input: up.stdout }), 'line') as Promise<[string]>;
  const line = await Promise.race([firstLine, ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`up ended before it was ready; its log:\n${log}`);
  return {
    addresses: JSON.parse(line[0]) as Addresses,
    process: up,
    ended,
    allGone,
    async stop() {
      up.kill('SIGTERM');
      return ended;
    },
    assertAlive() {
      if (up.exitCode !== null || up.signalCode !== null) throw new Error(`up has ended; its log:\n${log}`);
    },
  };
}

interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Each line of stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a script that reads the output has in hand.
  documents(): any[];
}

async function tutti(
  address: string,
  args: readonly string[],
  stdin = '',
  onStderr: (text: string) => void = () => {},
): Promise<Answer> {
  const command = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, TUTTI_ADDRESS: address },
  });
  onTestFinished(() => void command.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  command.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  command.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onStderr(text);
  });
  command.stdin.end(stdin);
  const [code] = await once(command, 'close');
  return {
    code: Number(code),
    stdout,
    stderr,
    documents: () =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
  };
}

async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tutti-cli-e2e-'));
}

const chain = `
name: chain
labels: { kind: test }
tasks:
  - key: first
    capability: echo
    input: { value: { n: 1 } }
  - key: second
    capability: echo
    input: { value: [two] }
    dependencies: [{ key: first }]
`;

/** Fails at once: the executors of these tests may read no files. */
const failing = 'tasks: [{ key: a, capability: text.stats, input: { value: { path: x } } }]';

const short = 'tasks: [{ key: a, capability: sleep, input: { value: { seconds: 0.5 } } }]';

const twoSteps = `tasks:
  - { key: a, capability: sleep, input: { value: { seconds: 1 } } }
  - { key: b, capability: echo, dependencies: [{ key: a }] }`;

const endless = 'tasks: [{ key: a, capability: sleep, input: { value: { seconds: 3600 } } }]';

describe('tutti with everything on one machine', () => {
  let folder = '';
  let up: Up;
  let address = '';
  beforeAll(async () => {
    folder = await temporaryFolder();
    up = await startUp(join(folder, 'data'), '--executors', '2');
    address = up.addresses.grpc;
  });
  afterEach(() => up.assertAlive());
  afterAll(async () => {
    await up?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('up says where it listens, in one line of JSON, when all is ready', async () => {
    expect(up.addresses).toEqual({
      grpc: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      nats: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
    });
    expect((await fetch(`${up.addresses.http}/readyz`)).status).toBe(200);
    const [{ executors }] = (await tutti(address, ['executors', '-o', 'json'])).documents();
    expect(executors).toHaveLength(2);
  });

  test('submit --wait of a file: plain lines, exit code 0', async () => {
    const file = join(folder, 'chain.yaml');
    await writeFile(file, chain);
    const { code, stdout, stderr } = await tutti(address, ['submit', file, '--wait']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /100 % {2}2\/2 tasks: 2 completed\n.* COMPLETED in .*: 2 completed\ntrace [0-9a-f]{32}\n$/,
    );
  });

  test('submit - -o json, then get, list and watch tell of the same run', async () => {
    const submitted = await tutti(address, ['submit', '-', '-o', 'json', '--run-id', 'chain-1'], chain);
    expect(submitted.documents()[0]).toMatchObject({ runId: 'chain-1' });

    const watched = await tutti(address, ['watch', 'chain-1', '-o', 'json']);
    expect(watched.code).toBe(0);
    const events = watched.documents();
    expect(events[0]).toMatchObject({ runId: 'chain-1', runSubmitted: { name: 'chain', taskCount: 2 } });
    expect(events.at(-1)).toHaveProperty('runCompleted');
    const revisions = events.map((event) => BigInt(event.revision));
    expect(revisions).toEqual(revisions.toSorted((a, b) => (a < b ? -1 : 1)));

    const [run] = (await tutti(address, ['get', 'chain-1', '-o', 'json'])).documents();
    expect(run).toMatchObject({ runId: 'chain-1', state: 'RUN_STATE_COMPLETED', tasks: { completed: 2 } });
    const [task] = (await tutti(address, ['get', 'chain-1', 'second', '-o', 'json'])).documents();
    expect(task).toMatchObject({ state: 'TASK_STATE_COMPLETED', result: { value: ['two'] } });
    const list = ['list', '--label', 'kind=test', '--state', 'completed', '-o', 'json'];
    const [{ runs }] = (await tutti(address, list)).documents();
    expect(runs.map((entry: { runId: string }) => entry.runId)).toContain('chain-1');
  });

  test('A.8: graph draws a run with its states, in each language', async () => {
    const submit = ['submit', '-', '--wait', '--run-id', 'drawn'];
    expect((await tutti(address, submit, chain)).code).toBe(0);
    const mermaid = await tutti(address, ['graph', 'drawn']);
    expect([mermaid.code, mermaid.stderr]).toEqual([0, '']);
    expect(mermaid.stdout).toContain('title: "chain, run drawn: COMPLETED"');
    expect(mermaid.stdout).toContain('n1["second<br/>echo<br/>COMPLETED"]:::isCOMPLETED');
    expect(mermaid.stdout).toContain('n0 --> n1');
    const dot = await tutti(address, ['graph', 'drawn', '--format', 'dot']);
    expect(dot.stdout).toMatch(/^digraph run \{\n.*n0 -> n1 .*\n\}\n$/s);
    const json = await tutti(address, ['graph', 'drawn', '--format', 'json']);
    expect(json.documents()).toMatchObject([
      { order: ['first', 'second'], edges: [{ from: 'first', to: 'second', condition: 'SUCCESS' }] },
    ]);
    const none = await tutti(address, ['graph', 'ghost', '-o', 'json']);
    expect([none.code, JSON.parse(none.stderr).error.reason]).toEqual([1, 'RUN_NOT_FOUND']);
  });

  test('F.7: submitting the same run twice runs it once', async () => {
    const submit = ['submit', '-', '--run-id', 'once', '-o', 'json'];
    expect((await tutti(address, submit, chain)).code).toBe(0);
    const again = await tutti(address, submit, chain);
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr).error).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'RUN_ALREADY_EXISTS',
      metadata: { run_id: 'once' },
    });
    const existing = await tutti(address, [...submit, '--use-existing'], chain);
    expect(existing.documents()[0]).toMatchObject({ runId: 'once', existed: true });
  });

  test('a workflow is kept, started with an input and forgotten (docs/workflows.md)', async () => {
    const file = fileURLToPath(new URL('../examples/workflow-report.yaml', import.meta.url));
    expect((await tutti(address, ['workflow', 'put', file])).stdout).toBe('report@1\n');
    const input = '{"customer": {"name": "Ada"}, "pages": 2}';
    const submit = ['submit', '--workflow', 'report', '--input', input, '--run-id', 'report-1', '--wait'];
    expect((await tutti(address, submit)).code).toBe(0);
    const shown = (await tutti(address, ['get', 'report-1'])).stdout;
    expect(shown).toContain('report@1');
    expect(shown).toContain('"name":"Ada"');
    const wrong = await tutti(address, ['submit', '--workflow', 'report@1', '--input', '{}', '-o', 'json']);
    expect(wrong.code).toBe(2);
    expect(JSON.parse(wrong.stderr).error.fields).toMatchObject([{ field: 'run.input.customer' }]);
    // What get shows, put takes.
    const { stdout } = await tutti(address, ['workflow', 'get', 'report']);
    expect((await tutti(address, ['workflow', 'put', '-'], stdout)).stdout).toBe('report@1\n');
    expect((await tutti(address, ['workflow', 'list'])).stdout).toContain('report');
    expect((await tutti(address, ['workflow', 'delete', 'report'])).code).toBe(0);
    expect((await tutti(address, ['workflow', 'get', 'report'])).code).toBe(1);
  });

  test('a failed run gives 1 and says which task failed, and why', async () => {
    const { code, stdout } = await tutti(address, ['submit', '-', '--wait'], failing);
    expect(code).toBe(1);
    expect(stdout).toContain('FAILED');
    expect(stdout).toContain('failed first: a after 1 attempt: PATH_NOT_ALLOWED');
    const json = await tutti(address, ['submit', '-', '--wait', '-o', 'json'], failing);
    expect(json.code).toBe(1);
    expect(json.documents()).toMatchObject([{ state: 'RUN_STATE_FAILED', failedTask: 'a' }]);
  });

  test('what nobody offers is named to who waits for it', async () => {
    const mistyped = `tasks:
      - { key: a, capability: text.stat }
      - { key: b, capability: text.stat }`;
    const noted = Promise.withResolvers<string>();
    const submit = ['submit', '-', '--wait', '--run-id', 'mistyped'];
    const waiting = tutti(address, submit, mistyped, noted.resolve);
    const note = 'no executor offers text.stat; what there is: tutti executors\n';
    expect(await noted.promise).toBe(note);
    expect((await tutti(address, ['get', 'mistyped', '--tasks'])).stdout).toContain('NO_EXECUTOR');
    await tutti(address, ['cancel', 'mistyped']);
    const { code, stderr } = await waiting;
    expect([code, stderr]).toEqual([3, note]);
  });

  test('D.8: a cancelled run gives 3 to who waits for it; cancelling it again is refused', async () => {
    const waiting = tutti(address, ['submit', '-', '--wait', '--run-id', 'endless', '-o', 'json'], endless);
    // Running once its first event can be watched past; the list is only asked until it is there.
    await expect
      .poll(async () => (await tutti(address, ['get', 'endless', 'a', '-o', 'json'])).stdout, {
        timeout: 60_000,
        interval: 200,
      })
      .toContain('TASK_STATE_RUNNING');
    const cancelled = await tutti(address, ['cancel', 'endless', '--message', 'enough', '-o', 'json']);
    expect(cancelled.documents()).toEqual([{ cancellingCount: 1 }]);
    const waited = await waiting;
    expect(waited.code).toBe(3);
    expect(waited.documents()).toMatchObject([{ state: 'RUN_STATE_CANCELLED', message: 'enough' }]);
    const again = await tutti(address, ['cancel', 'endless', '-o', 'json']);
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr).error).toMatchObject({ reason: 'ALREADY_FINAL' });
  });

  test('bad input: the orchestrator refuses a cycle, and the command names it and gives 2', async () => {
    const cycle =
      'tasks: [{ key: a, capability: echo, dependencies: [{ key: b }] }, { key: b, capability: echo, dependencies: [{ key: a }] }]';
    const { code, stderr } = await tutti(address, ['submit', '-', '--run-id', 'cycle', '-o', 'json'], cycle);
    expect(code).toBe(2);
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'DEPENDENCY_CYCLE' });
    expect(error.metadata.cycle).toMatch(/a -> b -> a|b -> a -> b/);
    const get = await tutti(address, ['get', 'cycle', '-o', 'json']);
    expect([get.code, JSON.parse(get.stderr).error.reason]).toEqual([1, 'RUN_NOT_FOUND']);
  });

  // The real inputs. Recorded hours in about a second; the order of the tasks is what matters.
  const instances = join(process.env.TUTTI_TEST_DATA ?? resolve('../shared/data'), 'wfinstances');
  const files = existsSync(instances)
    ? readdirSync(instances).filter((file) => file.endsWith('.json.gz'))
    : [];
  if (files.length === 0) {
    test.skip(`SKIPPED real inputs: none in ${instances}; name their folder in TUTTI_TEST_DATA`, () => {});
  }
  test.each(files)('promise 5: import wfformat %s: each task starts after its parents', async (file) => {
    const imported = await tutti(address, [
      ...['import', 'wfformat', join(instances, file), '--time-scale', '0.0001', '--wait', '-o', 'json'],
    ]);
    expect([imported.code, imported.stderr]).toEqual([0, '']);
    const [run] = imported.documents();
    const events = (await tutti(address, ['watch', run.runId, '-o', 'json'])).documents();
    const started = new Map<string, number>();
    const completed = new Map<string, number>();
    for (const [index, event] of events.entries()) {
      if (event.taskStarted) started.set(event.taskKey, index);
      if (event.taskCompleted) completed.set(event.taskKey, index);
    }
    const parents = await parentsOf(join(instances, file));
    expect(completed.size).toBe(parents.size);
    for (const [task, upstreams] of parents) {
      for (const upstream of upstreams) {
        expect(started.get(task), `${task} after ${upstream}`).toBeGreaterThan(
          completed.get(upstream) ?? Infinity,
        );
      }
    }
  });
});

/** The edges as the file itself has them, read apart from the code that imports it. */
async function parentsOf(file: string): Promise<Map<string, string[]>> {
  const { gunzipSync } = await import('node:zlib');
  const { readFile } = await import('node:fs/promises');
  const instance = JSON.parse(gunzipSync(await readFile(file)).toString());
  const tasks: { id: string; parents: string[] }[] = instance.workflow.specification.tasks;
  return new Map(tasks.map((task) => [task.id, task.parents]));
}

describe('the end of up', () => {
  test('SIGTERM and SIGINT end everything cleanly, with exit code 0', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const up = await startUp(folder, '--executors', '1');
      onTestFinished(() => void up.process.kill('SIGKILL'));
      up.process.kill(signal);
      expect(await up.ended).toEqual([0, null]);
      await up.allGone;
    }
  });

  test('promise 8: an orchestrator that is killed is started again without a hand on it', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const up = await startUp(folder, '--executors', '1');
    onTestFinished(() => void up.process.kill('SIGKILL'));
    const address = up.addresses.grpc;
    const running = (program: string) => findDescendantsByCommand(up.process.pid ?? -1, program);
    const executors = running('services/executor');
    expect(executors).toHaveLength(1);
    const client = createClient({ address });
    onTestFinished(() => client.close());
    await using follower = followEvents(client);
    const waiting = tutti(address, ['submit', '-', '--run-id', 'survivor', '--wait'], twoSteps);
    await follower.until('a runs', () => follower.count('survivor', 'taskStarted') > 0);
    const [orchestrator] = running('services/orchestrator');
    if (orchestrator === undefined) throw new Error('up has no orchestrator');
    process.kill(orchestrator, 'SIGKILL');

    const { code, stdout } = await waiting;
    expect([code, stdout]).toEqual([0, expect.stringContaining('2 completed')]);
    // It was not replaced: it came back by itself.
    expect(running('services/executor')).toEqual(executors);
    expect(running('services/orchestrator')).not.toContain(orchestrator);
    expect(await up.stop()).toEqual([0, null]);
  });

  test('started again on the same folder, it goes on where it left off, also after SIGKILL', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    // No executor: the run cannot end before the restart.
    const before = await startUp(folder);
    onTestFinished(() => void before.process.kill('SIGKILL'));
    const submitted = await tutti(
      before.addresses.grpc,
      ['submit', '-', '--run-id', 'kept', '-o', 'json'],
      short,
    );
    expect(submitted.code).toBe(0);
    before.process.kill('SIGKILL');
    await before.allGone;

    const after = await startUp(folder, '--executors', '1');
    onTestFinished(() => void after.process.kill('SIGKILL'));
    const watched = await tutti(after.addresses.grpc, ['watch', 'kept']);
    expect(watched.code).toBe(0);
    expect(watched.stdout).toContain('1 completed');
    expect(await after.stop()).toEqual([0, null]);
  });

  test('a second up on the same folder is refused with a clear message', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const first = await startUp(folder);
    onTestFinished(() => void first.process.kill('SIGKILL'));
    await expect(startUp(folder)).rejects.toThrow(/cannot start: the orchestrator ended before it was ready/);
    expect(await first.stop()).toEqual([0, null]);
  });
});
