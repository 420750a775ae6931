// The single-writer machine of one namespace. Calls, executor messages and the passing of time go in;
// facts to make durable, and effects to release once they are, come out. It never awaits, reads no
// clock, draws no random number and opens nothing; what a step is, is a pure function of all steps
// before it.

import { accept } from '../domain/rejection.ts';
import type { RunState } from '../domain/state.ts';
import { type Census, createCensus } from './census.ts';
import { type Core, createCore } from './core.ts';
import { fireDue } from './deadlines.ts';
import { dispatch } from './dispatch.ts';
import { listExecutors } from './executor-list.ts';
import { type EngineGauges, gaugesOf, startableTasks } from './gauges.ts';
import { addTasks, changeDependencies } from './growth.ts';
import { heartbeat } from './heartbeat.ts';
import type { EngineCalls, EngineInput } from './inputs.ts';
import { extendLeases } from './loss.ts';
import type { EngineOptions } from './options.ts';
import type { EngineOutput } from './outputs.ts';
import { registerExecutor, sendUndelivered } from './registration.ts';
import { report } from './reports.ts';
import { cancelRun, cancelTask, pauseRun, resumeRun, signalRun, submitRun } from './requests.ts';
import { rerunRun } from './rerun.ts';
import { restore } from './restore.ts';

export interface Engine {
  /** Takes one input in. Time that has passed since the last one is dealt with first. */
  step(input: EngineInput, nowMs: number): void;
  /**
   * Starts what can be started and gives everything that has happened since the last flush;
   * undefined if nothing has. See EngineOutput for what the caller owes.
   */
  flush(nowMs: number): EngineOutput | undefined;
  /** When a Tick is due at the latest; undefined if nothing waits for time. */
  nextDueAtMs(): number | undefined;
  gauges(): EngineGauges;
  readonly census: Census;
  /** Whether an executor that takes work offers the capability, with a free slot or without. */
  offers(capability: string): boolean;
  /** READY tasks that an executor is there for. */
  startableTasks(): number;
  /** Attempts begun since it was made. */
  startedTasks(): number;
  /** The run, if it is not final. */
  activeRun(runId: string): RunState | undefined;
}

/** `loaded`: the namespace's runs that are not final, in any order, as their durable events add up. */
export function createEngine(
  options: EngineOptions,
  latestRevision: number,
  loaded: readonly RunState[],
  nowMs: number,
): Engine {
  const core = createCore(options, latestRevision);
  core.nowMs = nowMs;
  restore(core, loaded);
  return engineOn(core);
}

/** The engine around a core that its caller can see into: tests hold its invariants against it. */
export function engineOn(core: Core): Engine {
  return {
    step(input, atMs) {
      core.nowMs = Math.max(core.nowMs, atMs);
      if (input.type === 'Stalled') extendLeases(core, input.stalledMs);
      fireDue(core);
      if (input.type !== 'Tick' && input.type !== 'Stalled') answer(core, input);
    },
    flush(atMs) {
      core.nowMs = Math.max(core.nowMs, atMs);
      dispatch(core);
      return core.output.take();
    },
    nextDueAtMs: () => core.timers.nextDueAtMs(),
    gauges: () => gaugesOf(core),
    census: createCensus(core),
    offers: (capability) => core.pool.offers(capability),
    startableTasks: () => startableTasks(core),
    startedTasks: () => core.leases.granted,
    activeRun: (runId) => core.runs.get(runId)?.state,
  };
}

type Call = Exclude<EngineInput, { type: 'Tick' | 'Stalled' }>;

function answer(core: Core, call: Call): void {
  switch (call.type) {
    case 'SubmitRun':
      answered<'SubmitRun'>(core, call, submitRun(core, call.input));
      break;
    case 'ClaimRequest':
      answered<'ClaimRequest'>(core, call, accept(true));
      break;
    case 'CancelRun':
      answered<'CancelRun'>(core, call, cancelRun(core, call.input));
      break;
    case 'CancelTask':
      answered<'CancelTask'>(core, call, cancelTask(core, call.input));
      break;
    case 'SignalRun':
      answered<'SignalRun'>(core, call, signalRun(core, call.input));
      break;
    case 'AddTasks':
      answered<'AddTasks'>(core, call, addTasks(core, call.input));
      break;
    case 'ChangeDependencies':
      answered<'ChangeDependencies'>(core, call, changeDependencies(core, call.input));
      break;
    case 'PauseRun':
      answered<'PauseRun'>(core, call, pauseRun(core, call.input));
      break;
    case 'ResumeRun':
      answered<'ResumeRun'>(core, call, resumeRun(core, call.input));
      break;
    case 'RerunRun':
      answered<'RerunRun'>(core, call, rerunRun(core, call.input));
      break;
    case 'ListExecutors':
      core.output.reply<'ListExecutors'>(call.callId, accept(listExecutors(core, call.input.capability)));
      break;
    case 'RegisterExecutor':
      register(core, call);
      break;
    case 'Heartbeat':
      core.output.reply<'Heartbeat'>(call.callId, heartbeat(core, call.input));
      break;
    case 'Report':
      core.output.reply<'Report'>(call.callId, report(core, call.input));
      break;
  }
}

function register(core: Core, call: Extract<Call, { type: 'RegisterExecutor' }>): void {
  const reply = registerExecutor(core, call.input);
  core.output.reply<'RegisterExecutor'>(call.callId, reply);
  if (reply.ok) sendUndelivered(core, call.input.executorId, reply.value.kept);
}

type AnswerableCallType =
  | 'SubmitRun'
  | 'ClaimRequest'
  | 'CancelRun'
  | 'CancelTask'
  | 'PauseRun'
  | 'ResumeRun'
  | 'RerunRun'
  | 'AddTasks'
  | 'ChangeDependencies'
  | 'SignalRun';

/** Refusals are not kept for repeats: the same call meets the same refusal, or better luck. */
function answered<K extends AnswerableCallType>(
  core: Core,
  call: { readonly callId: number; readonly input: EngineCalls[K]['input'] },
  reply: EngineCalls[K]['reply'],
): void {
  core.output.reply<K>(call.callId, reply);
  const key = call.input.request;
  if (key !== undefined && reply.ok) core.output.answered({ key, reply });
}
