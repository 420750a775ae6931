// Is everything as it should be? The one list of checks, for CI and for contributors alike.
//
// usage: npm test   (or: npm run verify)
//
// Runs every step even after a failure, prints a line for each with its duration, and ends with the
// plain line `N passed, N failed`: tests are counted one by one, and each other step counts as one.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Tests that found something missing on this machine, and said so. */
  readonly skipped: number;
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'tutti-verify-'));
/** No step takes a third of this on two quiet cores; a hanging one must not hang CI. */
const stepTimeoutMs = 15 * 60_000;

const good: Tally = { passed: 1, failed: 0, skipped: 0 };
const bad: Tally = { passed: 0, failed: 1, skipped: 0 };

/** Runs a command in the repository; its output goes through when `live`, else only after a failure. */
async function succeeds(command: string, args: readonly string[], live = false): Promise<boolean> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    timeout: stepTimeoutMs,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.on('error', (error) => {
    output.push(Buffer.from(`cannot start ${command}: ${error.message}\n`));
    resolve(false);
  });
  child.on('close', (code) => resolve(code === 0));
  const ok = await promise;
  if (!ok) process.stdout.write(Buffer.concat(output));
  return ok;
}

function command(name: string, program: string, args: readonly string[]): Step {
  return { name, run: async () => ((await succeeds(program, args)) ? good : bad) };
}

/** Relative path -> content of every file below a folder. */
function readTree(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), readFileSync(path, 'utf8'));
  }
  return files;
}

async function generatedCodeIsFresh(): Promise<Tally> {
  const output = join(scratch, 'generated');
  if (!(await succeeds(process.execPath, ['deploy/dev/generate.ts', output]))) return bad;
  const fresh = readTree(join(output, 'proto', 'gen'));
  const committed = readTree(join(root, 'proto', 'gen'));
  const paths = new Set([...fresh.keys(), ...committed.keys()]);
  const stale = [...paths].filter((path) => fresh.get(path) !== committed.get(path));
  for (const path of stale)
    console.log(`proto/gen/${path} is not what the protos say; run: npm run generate`);
  return stale.length === 0 ? good : bad;
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

function isReport(value: unknown): value is Report {
  const counts = ['numPassedTests', 'numFailedTests', 'numPendingTests'];
  return typeof value === 'object' && value !== null && counts.every((name) => name in value);
}

function readReport(path: string): Tally {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: 0 };
  const report: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isReport(report)) throw new Error(`vitest wrote a report without counts: ${path}`);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests,
  };
}

function tests(project: string): Step {
  return {
    name: `tests: ${project}`,
    run: async () => {
      const report = join(scratch, `${project}.json`);
      const runner = join(root, 'node_modules', 'vitest', 'vitest.mjs');
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
      const ok = await succeeds(process.execPath, [runner, 'run', '--project', project, ...reporters], true);
      const tally = readReport(report);
      // A file that does not load, or an error outside of any test, fails the run and no single test.
      return ok || tally.failed > 0 ? tally : { ...tally, failed: 1 };
    },
  };
}

const steps: readonly Step[] = [
  command('format and lint', 'biome', ['ci', '--error-on-warnings', '.']),
  command('types', 'tsc', ['-p', '.']),
  { name: 'generated code is fresh', run: generatedCodeIsFresh },
  // After the step above, which also writes the validation rules' text that the protos import.
  command('protos', 'buf', ['lint']),
  tests('structure'),
  tests('unit'),
  tests('e2e'),
];

/** A step that breaks is a failed one; the others still run. */
async function take(step: Step): Promise<Tally> {
  const startedAtMs = performance.now();
  const tally = await step.run().catch((error: unknown): Tally => {
    console.log(error);
    return bad;
  });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const skipped = tally.skipped === 0 ? '' : `, ${tally.skipped} skipped`;
  console.log(`${tally.failed === 0 ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s${skipped})`);
  return tally;
}

async function verify(): Promise<boolean> {
  let passed = 0;
  let failed = 0;
  for (const step of steps) {
    const tally = await take(step);
    passed += tally.passed;
    failed += tally.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

try {
  process.exitCode = (await verify()) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
