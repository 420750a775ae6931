// The tour of the README, as it is written there: its files, its commands, in its order. What differs from
// a person's terminal are free ports, and a folder of its own for the files and the state.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

/** A part of the tour, in the order of the text. */
type Step =
  | { readonly type: 'File'; readonly path: string; readonly content: string }
  | { readonly type: 'Command'; readonly command: string };

const fence = '```';

/** A fenced block is the file that was named last in backticks; an indented line is a command. */
function readTour(readme: string): Step[] {
  const [, tour = ''] = /^## A tour.*?\n(.*?)^## /ms.exec(readme) ?? [];
  const steps: Step[] = [];
  let path = '';
  let content: string[] | undefined;
  let command = '';
  for (const line of tour.split('\n')) {
    if (line.startsWith(fence)) {
      if (content !== undefined) steps.push({ type: 'File', path, content: `${content.join('\n')}\n` });
      content = content === undefined ? [] : undefined;
    } else if (content !== undefined) {
      content.push(line);
    } else if (line.startsWith('    ')) {
      // An argument in quotes, and a backslash, go on in the next line.
      command += `${line.slice(4)}\n`;
      const isOpen = line.endsWith('\\') || command.split("'").length % 2 === 0;
      if (!isOpen) {
        steps.push({ type: 'Command', command: command.trim() });
        command = '';
      }
    } else {
      path = /`(tour\/[^`]+)`/.exec(line)?.[1] ?? path;
    }
  }
  return steps;
}

let folder: string | undefined;
const running: ChildProcess[] = [];

/** To the group: a shell, npm, and what they started. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Nobody is left.
  }
}

afterEach(async () => {
  // The latest first: an executor leaves soon while there is somebody to tell.
  for (const child of running.toReversed()) {
    if (child.stdout?.closed) continue;
    // Not before everybody has let go of its output.
    const ended = once(child, 'close');
    signalGroup(child, 'SIGTERM');
    const impatience = setTimeout(() => signalGroup(child, 'SIGKILL'), 20_000);
    await ended;
    clearTimeout(impatience);
  }
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function start(command: string, env: Readonly<Record<string, string>>) {
  const child = spawn('sh', ['-c', command], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return {
    child,
    async result(): Promise<string> {
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`${command}\nended with ${code}\n${stdout}\n${stderr}`);
      return stdout;
    },
    async firstLine(): Promise<string> {
      const line = once(createInterface(child.stdout), 'line');
      const end = once(child, 'exit').then(() => {
        throw new Error(`${command}\nended early\n${stderr}`);
      });
      end.catch(() => {});
      const [text] = (await Promise.race([line, end])) as [string];
      return text;
    },
  };
}

test('the tour of the README works as it is written', async () => {
  const steps = readTour(await readFile(join(root, 'README.md'), 'utf8'));
  // Inside the repository, as `tour` is: from there its packages are found.
  await mkdir(join(root, '.cache'), { recursive: true });
  folder = await mkdtemp(join(root, '.cache', 'readme-'));
  const place = relative(root, folder);
  const env: Record<string, string> = {};
  let http = '';
  let nats = '';
  const outputs: string[] = [];
  for (const step of steps) {
    if (step.type === 'File') {
      expect(step.path).toMatch(/^tour\//);
      await writeFile(join(folder, step.path.replace('tour/', '')), step.content);
      continue;
    }
    const command = step.command
      .replace('mkdir tour', `mkdir ${place}/made`)
      .replaceAll('tour/', `${place}/`)
      .replaceAll('http://127.0.0.1:7421', http)
      .replace('127.0.0.1:PORT', nats.replace('nats://', ''));
    if (command.includes('tutti -- up ')) {
      const ports = `-o json --grpc-port 0 --http-port 0 --data ${place}/state`;
      const told = JSON.parse(await start(`exec ${command} ${ports}`, env).firstLine());
      ({ http, nats } = told);
      env['TUTTI_ADDRESS'] = told.grpc;
    } else if (command.includes('/greet.ts')) {
      start(command, env);
    } else {
      outputs.push(await start(command, env).result());
    }
  }

  const [, submit, list, executors, submitted, waited, metrics, hello] = outputs;
  expect(submit).toContain('COMPLETED');
  expect(submit).toContain('3 completed');
  expect(list).toContain('tour');
  expect(executors).toContain('text.stats');
  expect(JSON.parse(submitted ?? '')).toMatchObject({ runId: 'by-curl' });
  expect(JSON.parse(waited ?? '')).toMatchObject({ finished: true, run: { state: 'RUN_STATE_COMPLETED' } });
  expect(metrics).toContain('# TYPE tutti_');
  expect(hello).toContain("text: 'Hello Ada'");
  expect(outputs).toHaveLength(8);
});
