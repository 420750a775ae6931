// What ends a command before it has done what was asked: the one error type of this program.

/** Exit codes of every command. Anything else is a defect or a signal (128 + its number). */
export const exitCode = {
  /** Done; with `--wait` and `watch`: the run is COMPLETED. */
  completed: 0,
  /** With `--wait` and `watch`: the run FAILED. Else: the orchestrator refused, or something broke. */
  failed: 1,
  /** The command line, a file or a specification is wrong. */
  usage: 2,
  /** With `--wait` and `watch`: the run is CANCELLED. */
  cancelled: 3,
  /** The orchestrator cannot be reached. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** One thing that is wrong with one field. */
export interface FieldProblem {
  /** As written by people: `tasks[2].retry.factor`. */
  readonly field: string;
  readonly description: string;
}

/** What is told about a failure, in text or as JSON. */
export interface FailureDetails {
  /** A gRPC status name, `USAGE`, or `INTERNAL`. */
  readonly code: string;
  /** A name of ErrorReason without its prefix; empty where there is none. */
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly FieldProblem[];
}

/** Thrown anywhere in a command, caught once, in `run.ts`. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly details: FailureDetails;

  constructor(code: ExitCode, details: Partial<FailureDetails> & { code: string; message: string }) {
    super(details.message);
    this.name = 'Failure';
    this.exitCode = code;
    this.details = { reason: '', metadata: {}, fields: [], ...details };
  }
}

/** The command line or a file is wrong. `message` names the thing, the value and the remedy. */
export function usageFailure(message: string, fields: readonly FieldProblem[] = []): Failure {
  return new Failure(exitCode.usage, { code: 'USAGE', message, fields });
}
