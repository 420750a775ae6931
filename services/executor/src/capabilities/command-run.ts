// `command.run`: runs a program that the configuration names, and no other.
//
// Input: {"command": "git", "args": ["log"], "stdin": "…", "timeoutMs": 60000, "maxOutputBytes": 262144,
// "allowFailure": false}. `command` is a name of the allow-list, never a path; arguments go to the program
// as they are, without a shell. Result: {"exitCode", "stdout", "stderr"}, as text. An exit code other than
// 0 fails the attempt unless `allowFailure`.
//
// The program runs in a process group of its own, in a folder of its own that is gone afterwards, and
// with an almost empty environment: the executor's may hold credentials. When the attempt ends, for
// whatever reason, all of the group ends; what left the group, as `setsid` does, is not waited for.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttemptAbortedError,
  type AttemptContext,
  FinalError,
  type Handler,
  RetryableError,
} from '@tutti/client/executor';
import { z } from 'zod';
import { type ProcessOutcome, runProcess } from '../process/run-process.ts';
import { readInput } from './input.ts';
import { fitting, readLimit } from './result-budget.ts';

const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;
/** Between being asked to stop and being made to, at the most. */
const GRACE_MS = 5_000;

/** A NUL ends an argument for the operating system, and would hide what follows. */
const argument = z
  .string()
  .max(131_072)
  .regex(/^[^\0]*$/);

const inputSchema = z.strictObject({
  command: z.string().min(1).max(256),
  args: z.array(argument).max(1000).default([]),
  stdin: z.string().default(''),
  timeoutMs: z.number().int().min(1).max(MAX_TIMEOUT_MS).default(60_000),
  maxOutputBytes: readLimit,
  allowFailure: z.boolean().default(false),
});

type Wanted = z.output<typeof inputSchema>;

/** `allowed`: name -> absolute path of the program. */
export function createCommandRun(allowed: ReadonlyMap<string, string>): Handler {
  return async (input, context) => {
    const wanted = readInput(inputSchema, input);
    const program = allowed.get(wanted.command);
    if (program === undefined) {
      const names = [...allowed.keys()].join(', ');
      throw new FinalError(
        'COMMAND_NOT_ALLOWED',
        `this executor does not run ${JSON.stringify(wanted.command)}; it runs: ${names}`,
      );
    }
    const folder = await mkdtemp(join(tmpdir(), 'tutti-command-'));
    try {
      const outcome = await runProcess({
        program,
        args: wanted.args,
        folder,
        environment: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', HOME: folder },
        stdin: wanted.stdin,
        // Output never shrinks on its way into a payload: no use in reading more than fits.
        maxOutputBytes: Math.min(wanted.maxOutputBytes, context.maxPayloadBytes),
        timeoutMs: wanted.timeoutMs,
        signal: context.signal,
        graceMs: () => graceOf(context.signal.reason),
      });
      return resultOf(wanted, outcome, context);
    } finally {
      // The program may have left what only its owner or root can delete; that is no reason to fail.
      await rm(folder, { recursive: true, force: true }).catch((error: unknown) => {
        context.logger.warn({ folder, error: String(error) }, 'a folder of a command could not be deleted');
      });
    }
  };
}

function graceOf(reason: unknown): number {
  // A part of the grace is for the report.
  return reason instanceof AttemptAbortedError ? Math.min(GRACE_MS, reason.graceMs / 2) : GRACE_MS;
}

function resultOf(wanted: Wanted, outcome: ProcessOutcome, context: AttemptContext) {
  switch (outcome.type) {
    case 'Aborted':
      throw context.signal.reason;
    case 'NotStarted':
      throw new RetryableError('COMMAND_NOT_STARTED', `${wanted.command}: ${outcome.message}`);
    case 'TimedOut':
      throw new RetryableError('TIMED_OUT', `${wanted.command} took longer than ${wanted.timeoutMs} ms`);
    case 'TooMuchOutput':
      throw new FinalError(
        'OUTPUT_TOO_LARGE',
        `${wanted.command} wrote more than ${Math.min(wanted.maxOutputBytes, context.maxPayloadBytes)} bytes`,
      );
    case 'Exited': {
      const { exitCode, stdout, stderr } = outcome;
      const result = { exitCode, stdout, stderr };
      if (exitCode === 0 || wanted.allowFailure) {
        return fitting(result, context, 'OUTPUT_TOO_LARGE', wanted.command);
      }
      throw new RetryableError('COMMAND_FAILED', `${wanted.command} ended with exit code ${exitCode}`, {
        details: result,
      });
    }
    case 'Killed':
      throw new RetryableError('COMMAND_KILLED', `${wanted.command} was ended by ${outcome.by}`, {
        details: { stdout: outcome.stdout, stderr: outcome.stderr },
      });
  }
}
