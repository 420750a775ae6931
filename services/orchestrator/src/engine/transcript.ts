// Runs an engine by a written transcript, for tests: each block is a command, a line `----`, and what
// the engine is expected to say. Times in transcripts begin at 0 ms; tokens are t1, t2, … in the order
// in which they are minted. See transcripts/*.txt.

import { compileGraph } from '../domain/compile.ts';
import type { RerunScope } from '../domain/events.ts';
import { evolve } from '../domain/evolve.ts';
import type { ExpressionCompiler } from '../domain/expression.ts';
import { startRun } from '../domain/initial.ts';
import { accept } from '../domain/rejection.ts';
import type { RunState } from '../domain/state.ts';
import { isFinalRun } from '../domain/states.ts';
import { createEngine, type Engine } from './engine.ts';
import type { EngineInput } from './inputs.ts';
import { DEFAULT_ENGINE_LIMITS, type EngineOptions } from './options.ts';
import type { EngineEvent, EngineOutput } from './outputs.ts';
import {
  jsonPayload,
  namedOf,
  parseDependency,
  parseOutcome,
  parseRun,
  parseTask,
} from './transcript-input.ts';
import { describeOutput } from './transcript-output.ts';

export interface Transcript {
  /** Executes one block's command and gives what the engine says to it. */
  run(command: string): string;
}

export function createTranscript(expressions: ExpressionCompiler): Transcript {
  let minted = 0;
  let nowMs = 0;
  let callId = 0;
  const log: EngineEvent[] = [];
  const sessions = new Map<string, string>();
  const options: EngineOptions = {
    ...DEFAULT_ENGINE_LIMITS,
    namespace: 'default',
    maxAssignmentBytes: 1_000_000,
    readTasks: (tasks) => accept(tasks.map((task) => parseTask(String(task)))),
    mintToken: () => `t${++minted}`,
  };
  let engine: Engine = createEngine(options, 0, [], nowMs);

  function step(input: EngineInput): string {
    engine.step(input, nowMs);
    return flush();
  }

  function flush(): string {
    const output = engine.flush(nowMs);
    if (output === undefined) return 'nothing';
    log.push(...output.events);
    noteSessions(output);
    return describeOutput(output);
  }

  function noteSessions(output: EngineOutput): void {
    for (const effect of output.effects) {
      if (effect.type !== 'Reply' || !effect.reply.ok) continue;
      const value = effect.reply.value;
      if (typeof value === 'object' && 'session' in value) sessions.set(lastRegistered, value.session);
    }
  }
  let lastRegistered = '';

  function restart(): string {
    const states = replay(log).filter((state) => !isFinalRun(state.phase));
    engine = createEngine(options, log.at(-1)?.event.revision ?? 0, states, nowMs);
    return flush();
  }

  const commands: Record<string, (words: readonly string[], lines: readonly string[]) => string> = {
    restart,
    wait(words) {
      nowMs += Number(words[0]);
      return step({ type: 'Tick' });
    },
    stall(words) {
      nowMs += Number(words[0]);
      return step({ type: 'Stalled', stalledMs: Number(words[0]) });
    },
    submit(words, lines) {
      const spec = parseRun(words, lines);
      const graph = compileGraph(spec, expressions);
      if (!graph.ok) return `refused ${graph.rejection.code}: ${graph.rejection.message}`;
      const input = { runId: words[0] ?? '', chosen: true, onConflict: 'FAIL', graph: graph.value } as const;
      return step({
        type: 'SubmitRun',
        callId: ++callId,
        input: { ...input, traceparent: '', request: undefined },
      });
    },
    register(words) {
      lastRegistered = words[0] ?? '';
      const named = namedOf(words);
      const capabilities = (named.can ?? 'work').split(',').map((text) => {
        const [name = '', limit = '0'] = text.split(':');
        return { name, version: '', maxConcurrency: Number(limit) };
      });
      const held = named.held === undefined ? [] : named.held.split(',');
      const slots = Number(named.slots ?? 1);
      return step({
        type: 'RegisterExecutor',
        callId: ++callId,
        input: {
          executorId: lastRegistered,
          capabilities,
          labels: {},
          slots,
          held,
          phase: named.phase === 'DRAINING' ? 'DRAINING' : 'ACTIVE',
        },
      });
    },
    heartbeat(words) {
      const named = namedOf(words);
      const tokens = (named.holds ?? '').split(',').filter((token) => token !== '');
      const phase = (named.phase ?? 'ACTIVE') as 'ACTIVE' | 'DRAINING' | 'LEAVING';
      const progress =
        named.percent === undefined ? undefined : { percent: Number(named.percent), message: '' };
      const checkpoint = named.checkpoint === undefined ? undefined : jsonPayload(named.checkpoint);
      const attempts = tokens.map((leaseToken) => ({ leaseToken, progress, checkpoint }));
      const executorId = words[0] ?? '';
      const session = sessions.get(executorId) ?? '';
      return step({ type: 'Heartbeat', callId: ++callId, input: { executorId, session, phase, attempts } });
    },
    report(words) {
      const executorId = words[0] ?? '';
      const session = sessions.get(executorId) ?? '';
      const reports = words.slice(1).map((text) => {
        const [leaseToken = '', outcome = 'completed', ...rest] = text.split(':');
        const code = rest.join(':');
        return { leaseToken, outcome: parseOutcome(outcome, code), usage: undefined };
      });
      return step({ type: 'Report', callId: ++callId, input: { executorId, session, reports } });
    },
    cancel(words) {
      const input = { runId: words[0] ?? '', message: '', request: undefined };
      return step({ type: 'CancelRun', callId: ++callId, input });
    },
    /** `add RUN on=TOKEN [by=EXECUTOR]`, then tasks as with submit. */
    add(words, lines) {
      const named = namedOf(words);
      const executorId = named.by ?? '';
      const by =
        executorId === ''
          ? ({ type: 'RUN', runId: words[0] ?? '' } as const)
          : ({ type: 'EXECUTOR', executorId, session: sessions.get(executorId) ?? '' } as const);
      const tasks = lines.map((line) => parseTask(line.trim()));
      const input = { by, leaseToken: named.on ?? '', tasks, request: undefined };
      return step({ type: 'AddTasks', callId: ++callId, input });
    },
    /** `depend RUN TASK add=a,b? remove=c`. */
    depend(words) {
      const named = namedOf(words);
      const [runId = '', taskKey = ''] = words;
      const add = (named.add ?? '').split(',').filter((text) => text !== '');
      const remove = (named.remove ?? '').split(',').filter((text) => text !== '');
      const input = { runId, taskKey, add: add.map(parseDependency), remove, request: undefined };
      return step({ type: 'ChangeDependencies', callId: ++callId, input });
    },
    pause(words) {
      const input = { runId: words[0] ?? '', message: words.slice(1).join(' '), request: undefined };
      return step({ type: 'PauseRun', callId: ++callId, input });
    },
    resume(words) {
      const input = { runId: words[0] ?? '', request: undefined };
      return step({ type: 'ResumeRun', callId: ++callId, input });
    },
    rerun(words) {
      const [runId = '', scope = 'FAILED', taskKey = ''] = words;
      const run = replay(log).find((state) => state.runId === runId);
      const input = { runId, scope: scope as RerunScope, taskKey, run, request: undefined };
      return step({ type: 'RerunRun', callId: ++callId, input });
    },
    'cancel-task'(words) {
      const [runId = '', taskKey = ''] = words;
      const input = { runId, taskKey, subtree: words.includes('subtree'), request: undefined };
      return step({ type: 'CancelTask', callId: ++callId, input });
    },
    signal(words) {
      const [runId = '', name = '', payload = ''] = words;
      const input = { runId, name, payload: jsonPayload(payload), request: undefined };
      return step({ type: 'SignalRun', callId: ++callId, input });
    },
    executors: () => step({ type: 'ListExecutors', callId: ++callId, input: { capability: '' } }),
  };

  return {
    run(text) {
      const [first = '', ...lines] = text.split('\n');
      const [name = '', ...words] = first.trim().split(/\s+/);
      const command = commands[name];
      if (command === undefined) throw new Error(`transcript: unknown command ${name}`);
      return command(words, lines);
    },
  };
}

/** The runs as their events alone add up to: what a restart knows. */
function replay(log: readonly EngineEvent[]): readonly RunState[] {
  const states = new Map<string, RunState>();
  for (const { run, event } of log) {
    const { change } = event;
    if (change.type === 'RunSubmitted') states.set(run.runId, startRun({ ...event, change }));
    else evolve(states.get(run.runId) as RunState, event);
  }
  return [...states.values()];
}
