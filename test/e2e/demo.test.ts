// `npm run demo` without the set-up before it (issue 2, item 11).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

test('the demo runs to its end by itself and leaves a chart', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const demo = spawn(process.execPath, ['deploy/demo/demo.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void demo.kill('SIGKILL'));
  let output = '';
  demo.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  demo.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(demo, 'close');
  expect([code, output]).toEqual([0, output]);
  expect(output).toMatch(/100 % .*tasks: \d+ completed/);
  expect(output).toMatch(/services\/orchestrator +\d+ +\d+ +\d+ /);
  const traceId = /Trace: ([0-9a-f]{32})/.exec(output)?.[1];
  expect(output).toContain(`/trace/${traceId}`);
  expect(output).toMatch(/Metrics: http:\/\/127\.0\.0\.1:\d+\/metrics/);
  expect(output).toMatch(/tutti_runs_submitted_total\{.*\} 1/);
  const chart = /Chart: (.+\.svg)/.exec(output)?.[1] ?? '';
  const svg = await readFile(resolve(root, chart), 'utf8');
  expect(svg).toContain('services/orchestrator');
  expect(svg.trimEnd().endsWith('</svg>')).toBe(true);
});
