// The command line from its arguments to its exit code, against a scripted orchestrator.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import {
  CancelRunResponseSchema,
  GetRunGraphResponseSchema,
  GraphFormat,
  SignalRunResponseSchema,
  SubmitRunResponseSchema,
  WaitRunResponseSchema,
} from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import {
  CopyRunResponseSchema,
  PauseRunResponseSchema,
  RerunRunResponseSchema,
  ResumeRunResponseSchema,
} from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { type Run, RunSchema, type RunSpec, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { TaskSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { WorkflowSchema, type WorkflowTemplate } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import {
  DeleteWorkflowResponseSchema,
  PutWorkflowResponseSchema,
} from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandClient, RunFilter, WorkflowStart } from './client.ts';
import { exitCode, Failure } from './failure.ts';
import { runTutti } from './run.ts';
import { parseWorkflowTemplate } from './spec/spec-file.ts';

const unreachable = new Failure(exitCode.unreachable, { code: 'UNAVAILABLE', message: 'nobody answers' });

async function* nothing(): AsyncGenerator<never> {}

function runIn(state: RunState, rest: { traceId?: string; failedTask?: string } = {}): Run {
  const tasks = state === RunState.RUNNING ? { completed: 1, running: 1 } : { completed: 2 };
  return create(RunSchema, {
    runId: 'r1',
    state,
    tasks,
    ...rest,
  });
}

/** Answers each WaitRun with the next of `runs`, or fails with it. */
function scriptedClient(runs: readonly (Run | Failure)[] = [], changes: Partial<CommandClient> = {}) {
  const rest = [...runs];
  const submitted: (RunSpec | WorkflowStart)[] = [];
  const client: CommandClient = {
    async submitRun(spec) {
      submitted.push(spec);
      return create(SubmitRunResponseSchema, { runId: 'r1', revision: 5n });
    },
    async waitRun() {
      const run = rest.shift();
      if (run === undefined) throw new Error('waited once too often');
      if (run instanceof Failure) throw run;
      return create(WaitRunResponseSchema, { finished: run.state !== RunState.RUNNING, run });
    },
    getRun: async () => runIn(RunState.COMPLETED),
    getTask: async () =>
      create(TaskSchema, { key: 'b', attemptCount: 3, error: { code: 'OOPS', message: 'broken' } }),
    getRunGraph: async (_, format) => create(GetRunGraphResponseSchema, { text: `in format ${format}\n` }),
    listTasks: nothing,
    listReadyTasks: nothing,
    listRuns: async () => ({ runs: [], nextPageToken: '' }),
    signalRun: async (_, name) => create(SignalRunResponseSchema, { taskKey: `waits-for-${name}` }),
    cancelRun: async () => create(CancelRunResponseSchema, { cancelledCount: 2, cancellingCount: 1 }),
    pauseRun: async () => create(PauseRunResponseSchema),
    changeDependencies: async () => {},
    resumeRun: async () => create(ResumeRunResponseSchema),
    rerunRun: async () => create(RerunRunResponseSchema, { resetCount: 2, revision: 9n }),
    copyRun: async (_, { copy = [], link = [] }) =>
      create(CopyRunResponseSchema, { runId: 'r2', copiedCount: copy.length, linkedCount: link.length }),
    archiveRun: async () => {},
    unarchiveRun: async () => {},
    deleteRun: async () => {},
    getRetention: async () => 86_400_000,
    setRetention: async () => {},
    putWorkflow: async () => create(PutWorkflowResponseSchema, { version: 2, existed: true }),
    getWorkflow: async ({ name, version = 7 }) =>
      create(WorkflowSchema, { name, version, spec: { tasks: [{ key: 'a', capability: 'echo' }] } }),
    listWorkflows: nothing,
    deleteWorkflow: async () => create(DeleteWorkflowResponseSchema, { deletedCount: 3 }),
    listExecutors: nothing,
    watchRun: nothing,
    close() {},
    ...changes,
  };
  return { client, submitted };
}

async function tutti(args: string[], client: CommandClient, isTTY = false, columns = 80) {
  const written = { stdout: '', stderr: '' };
  const connected: string[] = [];
  const code = await runTutti(args, {
    stdout: { write: (text) => (written.stdout += text), isTTY, columns },
    stderr: { write: (text) => (written.stderr += text) },
    folder,
    connect(address, namespace) {
      connected.push(`${address} ${namespace}`);
      return client;
    },
  });
  return { code, ...written, connected };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tutti-cli-'));
  await writeFile(join(folder, 'run.yaml'), 'tasks:\n  - { key: a, capability: echo }\n');
  await writeFile(join(folder, 'wrong.yaml'), 'tasks:\n  - { key: a, capabilty: echo }\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('F.2: the life of a run', () => {
  test('pause and resume say what was done', async () => {
    const asked: string[] = [];
    const { client } = scriptedClient([], {
      async pauseRun(runId, message) {
        asked.push(`${runId} ${message}`);
        return create(PauseRunResponseSchema);
      },
    });

    expect((await tutti(['pause', 'r1', '--message', 'lunch'], client)).stdout).toContain('r1  paused');
    expect(asked).toEqual(['r1 lunch']);
    expect(await tutti(['resume', 'r1', '-o', 'json'], client)).toMatchObject({ code: 0, stdout: '{}\n' });
  });

  test.each([
    [['rerun', 'r1'], 'FAILED'],
    [['rerun', 'r1', '--failed'], 'FAILED'],
    [['rerun', 'r1', '--all'], 'ALL'],
    [['rerun', 'r1', '--from', 'b'], { from: 'b' }],
  ])('%j asks for %j', async (args, tasks) => {
    const asked: unknown[] = [];
    const { client } = scriptedClient([], {
      async rerunRun(_, wanted) {
        asked.push(wanted);
        return create(RerunRunResponseSchema, { resetCount: 1, revision: 9n });
      },
    });

    expect(await tutti(args, client)).toMatchObject({ code: 0, stdout: 'r1  1 task is done again\n' });
    expect(asked).toEqual([tasks]);
  });

  test('A.7: depend says which edges come and go', async () => {
    const asked: unknown[] = [];
    const { client } = scriptedClient([], {
      async changeDependencies(...given) {
        asked.push(given);
      },
    });
    const args = ['depend', 'r1', 'c', '--add', 'a', '--add', 'b?', '--add', 'x!', '--remove', 'd'];

    expect((await tutti(args, client)).code).toBe(0);
    const add = ['a', { key: 'b', condition: 'FINISHED' }, { key: 'x', condition: 'FAILURE' }];
    expect(asked).toEqual([['r1', 'c', { add, remove: ['d'] }]]);
  });

  test('a re-run that is waited for tells how it ended', async () => {
    const { client } = scriptedClient([runIn(RunState.RUNNING), runIn(RunState.FAILED)]);

    expect((await tutti(['rerun', 'r1', '--wait'], client)).code).toBe(1);
  });

  test('a paused run says so', async () => {
    const paused = create(RunSchema, { runId: 'r1', state: RunState.RUNNING, paused: true });
    const { client } = scriptedClient([], { getRun: async () => paused });

    expect((await tutti(['get', 'r1'], client)).stdout).toContain('RUNNING, paused');
  });
});

describe('exit codes', () => {
  test.each([
    [RunState.COMPLETED, 0],
    [RunState.FAILED, 1],
    [RunState.CANCELLED, 3],
  ])('a run that was waited for and ended in state %i gives %i', async (state, code) => {
    for (const command of [
      ['submit', 'run.yaml', '--wait'],
      ['watch', 'r1'],
    ]) {
      const { client } = scriptedClient([runIn(RunState.RUNNING), runIn(state)]);
      expect((await tutti(command, client)).code).toBe(code);
    }
  });

  test('2 for a wrong command line, with the remedy', async () => {
    for (const args of [
      [],
      ['sumbit', 'x'],
      ['submit'],
      ['list', '--limit', '0'],
      ['list', '--state', 'DONE'],
      ['list', '--label', 'x'],
      ['list', '--since', 'yesterday'],
      ['up', '--grpc-port', '70000'],
      ['import', 'wfformat', 'run.yaml', '--time-scale', '-1'],
      ['list', '-o', 'xml'],
      ['get', 'a', 'b', 'c'],
      ['graph'],
      ['pause'],
      ['rerun', 'r1', '--all', '--failed'],
      ['rerun', 'r1', '--from'],
      ['depend', 'r1', 'a'],
      ['graph', 'r1', '--format', 'svg'],
      ['submit', 'run.yaml', '--use-existing'],
      ['import', 'wfformat', 'run.yaml', '--use-existing'],
    ]) {
      const { code, stdout, stderr, connected } = await tutti(args, scriptedClient().client);
      expect([args, code, stdout, connected]).toEqual([args, 2, '', []]);
      expect(stderr).toMatch(/^tutti: .+/);
    }
  });

  test('2 for a wrong file, with the path of the field, and nothing submitted', async () => {
    const { client, submitted } = scriptedClient();
    const { code, stderr } = await tutti(['submit', 'wrong.yaml'], client);
    expect(code).toBe(2);
    expect(stderr).toContain('tasks[0].capabilty: unknown field');
    expect(submitted).toEqual([]);
  });

  test('4 when nobody answers', async () => {
    const { client } = scriptedClient([], { getRun: () => Promise.reject(unreachable) });
    expect((await tutti(['get', 'r1'], client)).code).toBe(4);
  });

  test('0 for help, on stdout', async () => {
    const { code, stdout } = await tutti(['submit', '--help'], scriptedClient().client);
    expect(code).toBe(0);
    expect(stdout).toContain('--wait');
    expect(stdout).toContain('TUTTI_ADDRESS');
  });
});

describe('-o json', () => {
  test('submit gives the SubmitRunResponse, before or after the command', async () => {
    for (const args of [
      ['-o', 'json', 'submit', 'run.yaml'],
      ['submit', 'run.yaml', '-o', 'json'],
    ]) {
      const { stdout, stderr } = await tutti(args, scriptedClient().client);
      expect([stdout, stderr]).toEqual(['{"runId":"r1","revision":"5"}\n', '']);
    }
  });

  test('submit --wait gives the final Run and nothing else', async () => {
    const { client } = scriptedClient([runIn(RunState.RUNNING), runIn(RunState.FAILED)]);
    const { code, stdout, stderr } = await tutti(['submit', 'run.yaml', '--wait', '-o', 'json'], client);
    expect(JSON.parse(stdout)).toEqual({ runId: 'r1', state: 'RUN_STATE_FAILED', tasks: { completed: 2 } });
    expect([code, stderr]).toEqual([1, '']);
  });

  test('watch gives every event, one to a line', async () => {
    async function* watchRun() {
      yield create(EventSchema, { revision: 1n, change: { case: 'runCompleted', value: {} } });
      yield create(EventSchema, { revision: 2n, taskKey: 'a', change: { case: 'taskReady', value: {} } });
    }
    const { client } = scriptedClient([], { watchRun });
    const { code, stdout } = await tutti(['watch', 'r1', '-o', 'json'], client);
    expect(stdout).toBe(
      '{"revision":"1","runCompleted":{}}\n{"revision":"2","taskKey":"a","taskReady":{}}\n',
    );
    expect(code).toBe(0);
  });

  test('get, list, cancel and executors give documents of the proto mapping', async () => {
    const { client } = scriptedClient();
    const outputs: Record<string, unknown> = {};
    for (const args of [['get', 'r1'], ['list'], ['cancel', 'r1'], ['executors'], ['get', 'r1', '--tasks']]) {
      outputs[args.join(' ')] = JSON.parse((await tutti([...args, '-o', 'json'], client)).stdout);
    }
    expect(outputs).toEqual({
      'get r1': { runId: 'r1', state: 'RUN_STATE_COMPLETED', tasks: { completed: 2 } },
      list: {},
      'cancel r1': { cancelledCount: 2, cancellingCount: 1 },
      executors: {},
      'get r1 --tasks': {},
    });
  });

  test('C.7: signals are sent with what they bring; approvals say so, and why', async () => {
    const sent: unknown[] = [];
    const { client } = scriptedClient([], {
      signalRun: async (...call) => {
        sent.push(call);
        return create(SignalRunResponseSchema, { taskKey: call[1] === 'later' ? '' : 'ok' });
      },
    });
    const lines: string[] = [];
    for (const args of [
      ['signal', 'r1', 'go'],
      ['signal', 'r1', 'later', '--data', '{"n": 1}'],
      ['signal', 'r1', 'go', '--data', '7'],
      ['approve', 'r1', 'go'],
      ['reject', 'r1', 'go', '--reason', 'too dear'],
    ]) {
      lines.push((await tutti(args, client)).stdout.trim());
    }
    expect(sent).toEqual([
      ['r1', 'go', undefined],
      ['r1', 'later', '{"n":1}'],
      ['r1', 'go', '7'],
      ['r1', 'go', '{"approved":true}'],
      ['r1', 'go', '{"approved":false,"reason":"too dear"}'],
    ]);
    expect(lines.slice(0, 2)).toEqual([
      'r1  "go" was taken by ok',
      'r1  nobody waits for "later" yet: it is kept',
    ]);
    expect((await tutti(['signal', 'r1', 'go', '--data', '{"n'], client)).code).toBe(2);
  });

  test('errors are one document on stderr, of a wrong command line too', async () => {
    const { client } = scriptedClient([], { getRun: () => Promise.reject(unreachable) });
    const refused = await tutti(['get', 'r1', '-o', 'json'], client);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'UNAVAILABLE', message: 'nobody answers' },
    });
    const wrong = await tutti(['get', '--output=json'], client);
    expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'USAGE' } });
  });
});

describe('progress', () => {
  test('plain lines where stdout is no terminal, one for each change', async () => {
    const running = runIn(RunState.RUNNING);
    const { client } = scriptedClient([running, running, runIn(RunState.COMPLETED, { traceId: 'abc' })]);
    const { stdout } = await tutti(['submit', 'run.yaml', '--wait'], client);
    expect(stdout.split('\n')).toEqual([
      'r1',
      'r1  50 %  1/2 tasks: 1 completed, 1 running',
      'r1  100 %  2/2 tasks: 2 completed',
      'r1  COMPLETED: 2 completed',
      'trace abc',
      '',
    ]);
  });

  test('a bar that is drawn over itself on a terminal', async () => {
    const { client } = scriptedClient([runIn(RunState.RUNNING), runIn(RunState.COMPLETED)]);
    const { stdout } = await tutti(['watch', 'r1'], client, true);
    expect(stdout).toContain(`\r\x1b[2K[${'█'.repeat(12)}${'░'.repeat(12)}]  50 %  1/2`);
    expect(stdout.endsWith('\r\x1b[2Kr1  COMPLETED: 2 completed\n')).toBe(true);
  });

  test('a terminal that does not know its width gets a bar all the same', async () => {
    const { client } = scriptedClient([runIn(RunState.COMPLETED)]);
    const { stdout } = await tutti(['watch', 'r1'], client, true, 0);
    expect(stdout).toContain(`[${'█'.repeat(24)}] 100 %  2/2`);
  });

  test('a failed run names the task that failed first and its error', async () => {
    const { client } = scriptedClient([runIn(RunState.FAILED, { failedTask: 'b' })]);
    const { stdout } = await tutti(['watch', 'r1'], client);
    expect(stdout).toContain('failed first: b after 3 attempts: OOPS: broken');
  });

  test('so does one that is looked at later', async () => {
    const { client } = scriptedClient([], {
      getRun: async () => runIn(RunState.FAILED, { failedTask: 'b' }),
    });
    const { code, stdout } = await tutti(['get', 'r1'], client);
    expect(stdout).toMatch(/^failed task +b after 3 attempts: OOPS: broken$/m);
    expect(code).toBe(0);
  });

  test('an orchestrator that goes away in the middle is asked again', async () => {
    const { client } = scriptedClient([runIn(RunState.RUNNING), unreachable, runIn(RunState.COMPLETED)]);
    const { code, stderr } = await tutti(['watch', 'r1'], client);
    expect(code).toBe(0);
    expect(stderr).toContain('cannot be reached');
  });

  test('so is one that goes away right after it took the run', async () => {
    const { client } = scriptedClient([unreachable, runIn(RunState.COMPLETED)]);
    expect((await tutti(['submit', 'run.yaml', '--wait'], client)).code).toBe(0);
  });

  test('one that was never there is not', async () => {
    const { client } = scriptedClient([], { getRun: () => Promise.reject(unreachable) });
    expect((await tutti(['watch', 'r1'], client)).code).toBe(4);
  });
});

describe('graph', () => {
  test.each([
    [[], GraphFormat.MERMAID],
    [['--format', 'mermaid'], GraphFormat.MERMAID],
    [['--format', 'dot'], GraphFormat.DOT],
    [['--format', 'json'], GraphFormat.JSON],
  ])('%j prints what the orchestrator drew, as it is', async (args, format) => {
    const { code, stdout } = await tutti(['graph', 'r1', ...args], scriptedClient().client);
    expect([code, stdout]).toEqual([0, `in format ${format}\n`]);
    const json = await tutti(['graph', 'r1', ...args, '-o', 'json'], scriptedClient().client);
    expect(JSON.parse(json.stdout)).toEqual({ text: `in format ${format}\n` });
  });
});

describe('what the orchestrator is asked', () => {
  test('address and namespace come from the options', async () => {
    const { connected } = await tutti(
      ['list', '--address', 'h:1', '--namespace', 'n'],
      scriptedClient().client,
    );
    expect(connected).toEqual(['h:1 n']);
  });

  test.each(['http://127.0.0.1:7421', '127.0.0.1', 'a b:1', 'h:p'])(
    '%s is no gRPC address',
    async (address) => {
      const { code, stderr, connected } = await tutti(
        ['list', '--address', address],
        scriptedClient().client,
      );
      expect([code, connected]).toEqual([2, []]);
      expect(stderr).toContain('host:port');
    },
  );

  test('list says that there are more, and goes on where it ended', async () => {
    const asked: [number, string][] = [];
    const { client } = scriptedClient([], {
      async listRuns(_filter, limit, pageToken) {
        asked.push([limit, pageToken]);
        return { runs: [runIn(RunState.COMPLETED)], nextPageToken: pageToken === '' ? 'p2' : '' };
      },
    });
    const first = await tutti(['list', '--limit', '1', '-o', 'json'], client);
    expect(JSON.parse(first.stdout)).toMatchObject({ runs: [{ runId: 'r1' }], nextPageToken: 'p2' });
    expect((await tutti(['list'], client)).stderr).toContain('--page-token p2');
    const last = await tutti(['list', '--page-token', 'p2'], client);
    expect(last.stderr).toBe('');
    expect(asked).toEqual([
      [1, ''],
      [50, ''],
      [50, 'p2'],
    ]);
  });

  test('list passes its filters on', async () => {
    const filters: RunFilter[] = [];
    const { client } = scriptedClient([], {
      async listRuns(filter) {
        filters.push(filter);
        return { runs: [], nextPageToken: '' };
      },
    });
    const args = [
      '--state',
      'failed',
      '--state',
      'RUN_STATE_RUNNING',
      '--label',
      'a=b=c',
      '--since',
      '2026-01-02',
    ];
    await tutti(['list', ...args], client);
    expect(filters).toEqual([
      {
        states: [RunState.FAILED, RunState.RUNNING],
        labels: { a: 'b=c' },
        submittedAfter: new Date('2026-01-02'),
        submittedBefore: undefined,
      },
    ]);
  });
});

describe('workflows', () => {
  const template =
    'name: greet\ninputSchema: { type: object }\nspec: { tasks: [{ key: a, capability: echo }] }\n';

  test('put keeps a file, and says which version it became', async () => {
    const put: WorkflowTemplate[] = [];
    const { client } = scriptedClient([], {
      async putWorkflow(workflow) {
        put.push(workflow);
        return create(PutWorkflowResponseSchema, { version: 2, existed: true });
      },
    });
    await writeFile(join(folder, 'greet.yaml'), template);
    expect(await tutti(['workflow', 'put', 'greet.yaml'], client)).toMatchObject({
      code: 0,
      stdout: 'greet@2\n',
      stderr: 'nothing has changed since that version\n',
    });
    expect(put).toMatchObject([
      { name: 'greet', inputSchema: { type: 'object' }, spec: { tasks: [{ key: 'a' }] } },
    ]);
    await writeFile(join(folder, 'wrong.yaml'), `${template}shema: {}\n`);
    const { code, stderr } = await tutti(['workflow', 'put', 'wrong.yaml', '-o', 'json'], client);
    expect(code).toBe(2);
    expect(JSON.parse(stderr).error.fields).toMatchObject([{ field: 'shema' }]);
  });

  test('get shows what put takes', async () => {
    const { client } = scriptedClient();
    const { stdout } = await tutti(['workflow', 'get', 'greet@3'], client);
    expect(stdout).toMatch(/^# version 3, put/);
    expect(parseWorkflowTemplate(stdout, 'it')).toMatchObject({
      name: 'greet',
      spec: { tasks: [{ key: 'a' }] },
    });
    expect((await tutti(['workflow', 'get', 'greet'], client)).stdout).toMatch(/^# version 7, put/);
  });

  test('list and delete say what there is and what went', async () => {
    const { client } = scriptedClient([], {
      async *listWorkflows(name) {
        yield create(WorkflowSchema, { name: name || 'all', version: 1, description: 'Says hello' });
      },
    });
    expect((await tutti(['workflow', 'list'], client)).stdout).toMatch(/all +1 +Says hello/);
    expect((await tutti(['workflow', 'list', 'greet'], client)).stdout).toMatch(/greet +1/);
    expect((await tutti(['workflow', 'delete', 'greet'], client)).stdout).toBe(
      'deleted 3 versions of greet\n',
    );
  });

  test('submit starts a run from one, with an input from a file or the command line', async () => {
    const { client, submitted } = scriptedClient();
    await writeFile(join(folder, 'input.yaml'), 'name: Ada\ncount: 3\n');
    await tutti(['submit', '--workflow', 'greet@3', '--input', 'input.yaml'], client);
    await tutti(['submit', '--workflow', 'greet', '--input', '{"name": "Bob"}'], client);
    await tutti(['submit', '--workflow', 'greet'], client);
    expect(submitted).toEqual([
      { workflow: { name: 'greet', version: 3 }, input: '{"name":"Ada","count":3}' },
      { workflow: { name: 'greet' }, input: '{"name":"Bob"}' },
      { workflow: { name: 'greet' }, input: undefined },
    ]);
  });

  test.each([
    [['submit']],
    [['submit', 'run.yaml', '--workflow', 'greet']],
    [['submit', 'run.yaml', '--input', '{}']],
    [['submit', '--workflow', 'greet@']],
    [['submit', '--workflow', 'greet@0']],
    [['submit', '--workflow', '@3']],
    [['submit', '--workflow', 'greet', '--input', '{']],
    [['submit', '--workflow', 'greet', '--input', 'no-such-file']],
    [['workflow', 'get', 'greet@latest']],
    [['workflow', 'put', 'no-such-file']],
  ])('bad input: %j is refused with 2 before anything is sent', async (args) => {
    const { client, submitted } = scriptedClient();
    expect((await tutti(args, client)).code).toBe(2);
    expect(submitted).toEqual([]);
  });
});
