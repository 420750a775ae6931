// How does an executor begin, work and leave?
//
//   NEW --start--> STARTING --registered--> ACTIVE --drain--> DRAINING --empty or late--> LEAVING --> CLOSED

import { fromBinary } from '@bufbuild/protobuf';
import { ExecutorPhase, TaskBatchSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { createAdditions } from './additions.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import { createHeartbeats, type Heartbeats } from './heartbeats.ts';
import { readOptions, type Settings } from './options.ts';
import { createStoredPayloads } from './payload-door.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { createSessionKeeper, type SessionKeeper } from './session.ts';
import { connectTransport, type Transport } from './transport.ts';
import type { Executor, ExecutorOptions } from './types.ts';

interface Parts {
  readonly transport: Transport;
  readonly sessions: SessionKeeper;
  readonly attempts: Attempts;
  readonly reporter: Reporter;
  readonly heartbeats: Heartbeats;
}

// How long leaving may take once every attempt has ended or was given back.
const DRAIN_ANSWER_TIMEOUT_MS = 2_000;
const LEAVE_TIMEOUT_MS = 5_000;
const DEFAULT_MAX_PAYLOAD_BYTES = 262_144;
// Executors are called by the thousand, and should not answer in one moment.
const ROLL_CALL_SPREAD_MS = 250;
// What a report has besides its payload: the message of an error, usage, names.
const REPORT_RESERVE_BYTES = 32 * 1_024;

/** Throws a TypeError or RangeError for options that break a rule. */
export function createExecutor(options: ExecutorOptions): Executor {
  const settings = readOptions(options);
  const ending = new AbortController();
  const hurry = new AbortController();
  const closed = Promise.withResolvers<Error | undefined>();
  let parts: Parts | undefined;
  let starting: Promise<void> | undefined;
  let draining: Promise<void> | undefined;

  const finish = async (error?: Error) => {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    ending.abort(error ?? new Error('the executor has stopped'));
    parts?.heartbeats.close();
    parts?.reporter.close();
    // Nobody is there to be told of them; handlers must still learn that they work for nothing.
    parts?.attempts.releaseAll();
    await parts?.transport.close();
    closed.resolve(error);
  };

  const begin = async () => {
    if (settings.handleSignals) {
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
    }
    try {
      const transport = await connectTransport(settings, ending.signal);
      parts = assemble(settings, transport, ending.signal);
      void transport.closed.then((error) => {
        if (draining !== undefined) return;
        void finish(error ?? new Error('NATS closed the connection'));
      });
      await parts.sessions.renew(undefined);
      parts.heartbeats.start();
      // What was assigned and has ended before the answer came could not be reported until now.
      parts.reporter.kick();
    } catch (error) {
      await finish(error as Error);
      throw error;
    }
  };

  const leave = async () => {
    if (parts?.sessions.current === undefined) return finish();
    const { attempts, heartbeats } = parts;
    const late = AbortSignal.any([hurry.signal, AbortSignal.timeout(settings.drainTimeoutMs)]);
    // Assignments that were on their way have arrived once this is answered. If nobody answers, no
    // new ones come either, and there is no reason to wait for more than what is held.
    const unanswered = AbortSignal.any([late, AbortSignal.timeout(DRAIN_ANSWER_TIMEOUT_MS)]);
    await Promise.race([heartbeats.changePhase(ExecutorPhase.DRAINING), aborted(unanswered)]);
    await attempts.whenEmpty(late);
    attempts.releaseAll();
    const tooLate = AbortSignal.timeout(LEAVE_TIMEOUT_MS);
    await attempts.whenEmpty(tooLate);
    await Promise.race([heartbeats.changePhase(ExecutorPhase.LEAVING), aborted(tooLate)]);
    await finish();
  };

  const drain = () => {
    draining ??= leave();
    return draining;
  };

  const stop = () => {
    hurry.abort();
    return drain();
  };

  function onSignal() {
    void (draining === undefined ? drain() : stop());
  }

  return {
    id: settings.id,
    get held() {
      return parts?.attempts.heldCount ?? 0;
    },
    start() {
      starting ??= draining === undefined ? begin() : Promise.reject(new Error('already stopped'));
      return starting;
    },
    drain,
    stop,
    closed: closed.promise,
  };
}

function assemble(settings: Settings, transport: Transport, signal: AbortSignal): Parts {
  // The server may take less than the orchestrator does; a report is a little more than its payload.
  const maxPayloadBytes = () =>
    Math.min(
      sessions.current?.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES,
      transport.maxMessageBytes - Math.min(REPORT_RESERVE_BYTES, transport.maxMessageBytes >> 2),
    );
  const payloads = createStoredPayloads(settings, transport);
  const attempts: Attempts = createAttempts({
    settings,
    maxPayloadBytes,
    payloads,
    additions: {
      add: (leaseToken, tasks, signal) => additions.add(leaseToken, tasks, signal),
    },
    report: (report, traceparent) => reporter.add(report, traceparent),
    withdraw: (leaseToken) => reporter.withdraw(leaseToken),
    onNews: () => heartbeats.soon(),
  });
  const sessions = createSessionKeeper(
    settings,
    transport,
    () => heartbeats.phase,
    attempts.tokens,
    attempts.drop,
    signal,
  );
  const additions = createAdditions(settings, transport, sessions, payloads, maxPayloadBytes);
  const reporter: Reporter = createReporter(settings, transport, sessions, attempts.settle);
  const heartbeats: Heartbeats = createHeartbeats(settings, transport, sessions, attempts);
  const onBatch = (data: Uint8Array) => {
    try {
      const batch = fromBinary(TaskBatchSchema, data);
      for (const assignment of batch.assignments) attempts.start(assignment);
      for (const cancellation of batch.cancellations) attempts.cancel(cancellation);
    } catch (error) {
      // What was lost by it comes again with a heartbeat's answer.
      settings.logger.error({ error: String(error) }, 'a task message could not be read');
    }
  };
  for (const capability of settings.capabilities.keys()) {
    const { prefix, namespace, id } = settings;
    transport.subscribe(`${prefix}.${namespace}.tasks.${capability}.${id}`, onBatch);
  }
  const lookAround = () => {
    heartbeats.kick();
    reporter.kick();
  };
  transport.onReconnect(lookAround);
  answerRollCalls(settings, transport, lookAround);
  return { transport, sessions, attempts, reporter, heartbeats };
}

/** The orchestrator was started anew: what was asked of the one before is asked again, and not waited for. */
function answerRollCalls(
  { prefix, namespace }: Settings,
  transport: Transport,
  lookAround: () => void,
): void {
  const subject = `${prefix}.${namespace}.executors`;
  let isCalled = false;
  transport.subscribe(`${subject}.rollcall`, () => {
    if (isCalled) return;
    isCalled = true;
    setTimeout(() => {
      isCalled = false;
      // A registration may be what the namespace was loaded for, and a second one would cost what came between.
      transport.giveUpInFlight('the orchestrator was started anew', `${subject}.register`);
      // Once those who waited in vain have planned their repeats, which would be later.
      setImmediate(lookAround);
    }, Math.random() * ROLL_CALL_SPREAD_MS).unref();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
