// The orchestrator process: reads its configuration, starts, says where it can be reached on one line of
// standard output, and ends cleanly on SIGINT, SIGTERM and SIGHUP. Logs go to standard error.

import pino, { type Logger } from 'pino';
import { type RunningProcess, startProcess } from './compose.ts';
import { type Configuration, readConfiguration, usage } from './configuration.ts';

const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_USAGE = 2;
const EXIT_FAILURE = 1;
/** After a second signal, for the commits that are under way. */
const HURRY_TIMEOUT_MS = 3_000;
/** What comes so soon is the same wish: a terminal and npm both pass on one Ctrl-C. */
const SAME_WISH_MS = 500;
/** From the signal to the end while starting, when there are neither calls nor commits to finish. */
const START_STOP_TIMEOUT_MS = 5_000;

if (process.argv.includes('--help')) {
  process.stdout.write(`${usage()}\n`);
} else {
  const result = readConfiguration(process.argv.slice(2), process.env);
  if (result.ok) await run(result.configuration);
  else {
    process.stderr.write(`${result.message}\n${usage()}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

async function run(configuration: Configuration): Promise<void> {
  const logger = pino(
    { level: configuration.logLevel, base: { service: 'tutti-orchestrator' } },
    logDestination(),
  );
  const end = endOfProcess(configuration);
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a defect: the process ends, and a new one goes on from what is durable');
    process.exit(EXIT_FAILURE);
  });
  const starting = new AbortController();
  try {
    const started = startProcess(configuration, logger, starting.signal);
    const running = await Promise.race([started, end]);
    if (typeof running === 'string') {
      logger.info({ reason: running }, 'stopping before all has started');
      setTimeout(() => process.exit(0), START_STOP_TIMEOUT_MS).unref();
      starting.abort(new Error(running));
      await started.then(({ stop }) => stop(AbortSignal.abort())).catch(() => {});
      process.exit(0);
    }
    process.stdout.write(`${JSON.stringify(running.addresses)}\n`);
    const reason = await Promise.race([end, running.failed]);
    const failed = reason instanceof Error;
    if (failed) logger.fatal({ err: reason }, 'the orchestrator cannot go on');
    else logger.info({ reason }, 'stopping');
    await leaveInTime(running, configuration.shutdownGraceMs, logger);
    process.exit(failed ? EXIT_FAILURE : 0);
  } catch (error) {
    logger.fatal({ err: error }, 'the orchestrator could not start');
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT_FAILURE);
  }
}

/** Beyond its time the process ends as it is: what is durable stays durable. */
async function leaveInTime(running: RunningProcess, graceMs: number, logger: Logger): Promise<void> {
  const hurry = new AbortController();
  const endIn = (limitMs: number) =>
    setTimeout(() => {
      logger.error({ limitMs }, 'has not left in time: ends all the same, with what is durable');
      process.exit(EXIT_FAILURE);
    }, limitMs).unref();
  endIn(graceMs);
  const toldAtMs = performance.now();
  for (const signal of END_SIGNALS) {
    process.on(signal, () => {
      if (hurry.signal.aborted || performance.now() - toldAtMs < SAME_WISH_MS) return;
      logger.warn({ reason: signal }, 'told again to stop: waits for commits only');
      hurry.abort();
      endIn(HURRY_TIMEOUT_MS);
    });
  }
  await running.stop(hurry.signal);
}

/**
 * Standard error. Once its terminal is closed nobody reads it: that must not break the end in order, nor
 * keep this process, which at its exit would try for ever to write the rest.
 */
function logDestination() {
  const destination = pino.destination(2);
  destination.on('error', () => {
    destination.write = () => true;
    destination.flushSync = () => {};
  });
  return destination;
}

/** Resolves with what asks the process to end. */
function endOfProcess(configuration: Configuration): Promise<string> {
  return new Promise((resolve) => {
    // Heard also when it was sent before: without a listener a signal would end the process at once.
    for (const signal of END_SIGNALS) process.on(signal, () => resolve(signal));
    if (!configuration.exitWithParent) return;
    process.stdin.resume();
    process.stdin.once('end', () => resolve('the parent process is gone'));
    process.stdin.once('error', () => resolve('the parent process is gone'));
  });
}
