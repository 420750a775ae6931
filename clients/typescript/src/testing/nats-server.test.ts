// What tests start must not outlive them, however they end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const module_ = new URL('nats-server.ts', import.meta.url).href;

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return connected;
}

test('the server ends with a process that is killed', async () => {
  const script = `
    const { startNatsServer } = await import(${JSON.stringify(module_)});
    console.log((await startNatsServer()).url);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [url] = await once(createInterface({ input: child.stdout }), 'line');
  const port = Number(new URL(String(url)).port);
  expect(await answers(port)).toBe(true);
  child.kill('SIGKILL');
  // Nothing tells of the end of a process that is no child of this one.
  const deadlineMs = performance.now() + 5_000;
  while ((await answers(port)) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await answers(port)).toBe(false);
});
