// The ready executor: a process that performs everyday tasks. See main.ts for where it begins.

import { createExecutor, type Executor, type Handler, type Logger } from '@tutti/client/executor';
import { chooseCapabilities } from './capabilities/all.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { createLog } from './telemetry/log.ts';
import { startTracing } from './telemetry/tracing.ts';

const USAGE_EXIT_CODE = 2;

async function run(configuration: Configuration): Promise<number> {
  const logger = createLog(configuration.logLevel);
  const chosen = chooseCapabilities(configuration);
  if (chosen.type === 'Refused') return refuse(chosen.message);
  const executor = tryExecutor(configuration, chosen.capabilities, logger);
  if (typeof executor === 'string') return refuse(executor);
  const tracing = startTracing({
    serviceName: 'tutti-executor',
    environment: process.env,
    warn: (message) => logger.warn({ component: 'tracing' }, message),
  });
  // The terminal is closed: nobody waits for what is held here, and others can do it.
  process.on('SIGHUP', () => void executor.stop());
  if (configuration.exitWithParent) stopWithParent(() => executor.stop());
  try {
    if (await hasStarted(executor)) {
      process.stdout.write(`${JSON.stringify({ executor: executor.id })}\n`);
      logger.info({ executor: executor.id, capabilities: Object.keys(chosen.capabilities) }, 'takes work');
    }
    const error = await executor.closed;
    if (error !== undefined) throw error;
    logger.info({ executor: executor.id }, 'has left');
    return 0;
  } catch (error) {
    logger.error({ err: error }, 'ends because of an error');
    return 1;
  } finally {
    await tracing.shutdown();
  }
}

/** Why the SDK refuses such an executor (an id, namespace or label that breaks the protocol), or the executor. */
function tryExecutor(
  configuration: Configuration,
  capabilities: Readonly<Record<string, Handler>>,
  logger: Logger,
): Executor | string {
  try {
    return createExecutor({
      ...(configuration.executorId !== undefined && { id: configuration.executorId }),
      servers: configuration.natsUrl,
      namespace: configuration.namespace,
      slots: configuration.slots,
      labels: configuration.labels,
      capabilities,
      drainTimeout: configuration.drainTimeoutMs,
      handleSignals: true,
      logger,
    });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error.message;
    throw error;
  }
}

/** False: it was told to stop before it had begun, which is no error. */
async function hasStarted(executor: Executor): Promise<boolean> {
  try {
    await executor.start();
    return true;
  } catch (error) {
    if ((await executor.closed) === undefined) return false;
    throw error;
  }
}

/** The parent holds the other end of stdin for as long as it lives. */
function stopWithParent(stop: () => Promise<void>): void {
  process.stdin.on('end', () => void stop());
  process.stdin.on('error', () => void stop());
  process.stdin.resume();
}

function refuse(message: string): number {
  process.stderr.write(`${message}\nSee --help.\n`);
  return USAGE_EXIT_CODE;
}

const result = readConfiguration(process.argv.slice(2), process.env);
switch (result.type) {
  case 'Help':
    process.stdout.write(result.text);
    break;
  case 'Refused':
    process.exitCode = refuse(result.message);
    break;
  case 'Run':
    process.exit(await run(result.configuration));
}
