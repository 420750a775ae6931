// `tutti up`: everything on one machine, until it is told to stop.

import { type ExitCode, exitCode, Failure } from '../failure.ts';
import type { Output } from '../output.ts';
import { withNatsServer } from './nats-server.ts';
import type { UpOptions } from './programs.ts';
import { createSignalHandler, endingSignals } from './signals.ts';
import { startStack } from './stack.ts';

/**
 * Runs until SIGINT, SIGTERM or SIGHUP. A second signal ends everything at once.
 *
 * @param exitWithParent true: also until standard input ends.
 */
export async function runUp(options: UpOptions, exitWithParent: boolean, output: Output): Promise<ExitCode> {
  const stopping = new AbortController();
  if (exitWithParent) {
    const stop = (): void => stopping.abort();
    process.stdin.on('end', stop).on('error', stop).resume();
  }
  const onSignal = createSignalHandler({
    end: () => stopping.abort(),
    endAtOnce: (code) => process.exit(code),
  });
  for (const signal of endingSignals) process.on(signal, onSignal);
  const log = (line: string): void => {
    // In the form of the other programs' logs, among which it stands.
    output.stderr.write(
      `${JSON.stringify({ level: 'info', time: Date.now(), name: 'tutti-up', msg: line })}\n`,
    );
  };
  try {
    return await keepUp(options, output, stopping.signal, log);
  } finally {
    for (const signal of endingSignals) process.removeListener(signal, onSignal);
    // What is left to read there must not keep this process.
    if (exitWithParent) process.stdin.destroy();
  }
}

async function keepUp(
  options: UpOptions,
  output: Output,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<ExitCode> {
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const starting = async () => startStack(await withNatsServer(options, signal, log), signal, log);
  const stack = await starting().catch((error: unknown) => {
    if (signal.aborted) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(exitCode.failed, {
      code: 'INTERNAL',
      message: `cannot start: ${why}; its log is above`,
    });
  });
  if (stack === undefined) return exitCode.completed;

  const { grpc, http, nats } = stack.addresses;
  output.json({ grpc, http, nats });
  output.text(
    `Tutti is ready: gRPC ${grpc}, HTTP ${http}, NATS ${nats}, ${executorsOf(options)}. Ctrl-C ends it.`,
  );
  const broken = await Promise.race([stopped, stack.broken]);
  log(broken ?? 'stopping');
  await stack.stop();
  if (broken === undefined) return exitCode.completed;
  throw new Failure(exitCode.failed, { code: 'INTERNAL', message: `${broken}; its log is above` });
}

function executorsOf({ executorCount }: UpOptions): string {
  if (executorCount > 0) return `executors ${executorCount}`;
  return 'executors 0 (nothing runs until one comes: start yours, or `up --executors 2` for ready-made ones)';
}
