// What do clients and executors write down while it happens, so that the event log can be held against it?
//
// A note says what somebody was told, never what they think has become of it.

import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type Payload, PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';

/** What an executor puts into one report. */
export type Outcome = 'completed' | 'failed' | 'cancelled' | 'released';

export type ExecutorNote = { readonly executorId: string; readonly lease: string } & (
  | {
      /** An assignment came that it did not have. */
      readonly note: 'assigned';
      readonly runId: string;
      readonly taskKey: string;
      readonly attempt: number;
    }
  | {
      /** A report was answered. */
      readonly note: 'answered';
      readonly outcome: Outcome;
      /** Of the result, or the code of the error; else empty. */
      readonly digest: string;
      readonly status: 'RECORDED' | 'STALE' | 'UNKNOWN';
    }
);

export type ExpectedEnd = 'COMPLETED' | 'CANCELLED';

export interface SubmissionNote {
  /** Never used for another one. The run has it as its label `request`. */
  readonly requestId: string;
  /** Of the construct that it is about. */
  readonly kind: string;
  /** As it was acknowledged; undefined while it is not. */
  runId: string | undefined;
  /** How it has to end. */
  readonly end: ExpectedEnd;
  /** What it has to come to; undefined where that is not looked at. */
  readonly output: unknown;
}

/** A call about a run, acknowledged. */
export interface CallNote {
  readonly call: 'cancel' | 'signal' | 'pause' | 'resume';
  readonly runId: string;
  /** Goes with the call, so that its event is known again; empty where it cannot. */
  readonly mark: string;
}

/** Somebody was told that a run has ended. */
export interface EndNote {
  readonly runId: string;
  /** A name of RunState. */
  readonly state: string;
}

export interface ClientNotes {
  readonly submissions: SubmissionNote[];
  readonly calls: CallNote[];
  readonly ends: EndNote[];
  /** Honest calls that were refused, which none should be. */
  readonly refusals: string[];
}

/** Known again wherever the payload stands: by its content, or by the hash under which it is stored. */
export function digestOf(payload: Payload | undefined): string {
  const { data } = payload ?? create(PayloadSchema);
  if (data.case === 'ref') return Buffer.from(data.value.sha256).toString('hex');
  if (data.case === 'value') return createHash('sha256').update(JSON.stringify(data.value)).digest('hex');
  return createHash('sha256')
    .update(data.value ?? new Uint8Array())
    .digest('hex');
}

export type Write = (note: ExecutorNote) => void;

/** Lines are written whole, so that what was noted survives SIGKILL. */
export function createNoteFile(folder: string, executorId: string): Write {
  const file = join(folder, `${executorId}.notes`);
  // The process before this one may have left half a line.
  appendFileSync(file, '\n');
  return (note) => appendFileSync(file, `${JSON.stringify(note)}\n`);
}

export function* readNotes(folder: string): Generator<ExecutorNote> {
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.notes'))
    .sort()) {
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      if (line !== '' && line.endsWith('}')) yield JSON.parse(line) as ExecutorNote;
    }
  }
}
