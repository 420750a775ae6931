// Which nats-server will the orchestrator start?
//
// Asked before anything is started: to obtain one may take many minutes, by a download or a build, and
// the time in which a program has to be ready is not meant for that.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type ChildSpec, describeEnd } from './child.ts';
import { natsServerProgram, type UpOptions } from './programs.ts';

/** To end what it had begun and clean up. */
const stopGraceMs = 5_000;

/**
 * The options with a nats-server, unless NATS is somewhere else.
 *
 * @param signal ends it early: then it rejects.
 * @param log is told what is done for it, for people.
 */
export async function withNatsServer(
  options: UpOptions,
  signal: AbortSignal,
  log: (line: string) => void,
  program: ChildSpec = natsServerProgram(),
): Promise<UpOptions> {
  if (options.natsUrl !== undefined || options.natsServer !== undefined) return options;
  return { ...options, natsServer: await pathFrom(program, signal, log) };
}

async function pathFrom(
  program: ChildSpec,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, program.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: program.env,
    // Ctrl-C reaches this process alone, which passes it on.
    detached: true,
  });
  createInterface({ input: child.stderr }).on('line', log);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code, endSignal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    const path = output.trim();
    if (code === 0 && path !== '') return path;
    throw new Error(
      `${program.name} found none and could obtain none (${describeEnd({ code, signal: endSignal })})`,
    );
  } finally {
    clearTimeout(killing);
    signal.removeEventListener('abort', stop);
  }
}
