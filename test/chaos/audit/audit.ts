// Was anything lost, done twice, or told otherwise than it is? Holds the event log, replayed (replay.ts), against
// what clients, executors and a watcher noted while it happened.
//
//  N1  An acknowledged submission is a run, and no request id makes two (promise 1).
//  N2  Every run has ended, as its graph asks for and with the output it asks for; what somebody was told of an
//      end is what is stored.
//  N3  An acknowledged cancellation, signal, pause or resumption is in the log, once.
//  N4  What an executor was given is in the log as given to it (promise 3).
//  N5  A report that was answered RECORDED is the outcome of its lease, and a lease has one such (promise 4).
//  N6  The watcher has seen each event once, in order, and as it is stored (promise 6).
//  N7  No honest call was refused.

import { isDeepStrictEqual } from 'node:util';
import type { ClientNotes, ExecutorNote, Outcome, SubmissionNote } from '../notes.ts';
import { type Fingerprint, fingerprintOf } from '../pulse.ts';
import type { Blame, Histories, LeaseHistory, RunHistory } from './history.ts';
import type { LogEntry } from './log.ts';
import { replayLog } from './replay.ts';

export interface Evidence {
  readonly log: Iterable<LogEntry>;
  readonly clients: ClientNotes;
  readonly executors: Iterable<ExecutorNote>;
  /** What the watcher saw, in this order. */
  readonly seen: readonly Fingerprint[];
  /** Of every executor. */
  readonly slots: number;
}

export interface Verdict {
  /** The first few of each rule, and how many more there are; empty: every rule holds. */
  readonly violations: readonly string[];
  readonly histories: Histories;
  /** What reports were answered, by answer. */
  readonly answers: ReadonlyMap<string, number>;
}

/** One defect may show ten thousand times, and must not hide another. */
const MAX_PER_RULE = 4;

export function audit({ log, clients, executors, seen, slots }: Evidence): Verdict {
  const violations: string[] = [];
  const counts = new Map<string, number>();
  const blame: Blame = (rule, what) => {
    const count = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, count);
    if (count <= MAX_PER_RULE) violations.push(`${rule}: ${what}`);
  };
  const histories = replayLog(compareWithSeen(log, seen, blame), slots, blame);
  auditClients(clients, histories, blame);
  const answers = auditExecutors(executors, histories, blame);
  for (const [rule, count] of counts) {
    if (count > MAX_PER_RULE) violations.push(`${rule}: ${count - MAX_PER_RULE} more`);
  }
  return { violations, histories, answers };
}

function* compareWithSeen(
  log: Iterable<LogEntry>,
  seen: readonly Fingerprint[],
  blame: Blame,
): Generator<LogEntry> {
  let place = 0;
  for (const entry of log) {
    const stored = fingerprintOf(entry.event);
    const other = seen[place];
    if (other === undefined) blame('N6', `the watcher was never told of revision ${stored.revision}`);
    else if (other.revision !== stored.revision || other.crc !== stored.crc) {
      blame(
        'N6',
        `in place ${place + 1} the log has revision ${stored.revision}, and the watcher saw ${
          other.revision === stored.revision ? 'another one of that number' : other.revision
        }`,
      );
    }
    place += 1;
    yield entry;
  }
  if (seen.length > place) blame('N6', `the watcher saw ${seen.length} events, the log has ${place}`);
}

function auditClients(notes: ClientNotes, { runs }: Histories, blame: Blame): void {
  const byRequest = new Map<string, RunHistory[]>();
  for (const run of runs.values()) {
    if (run.requestId !== '') byRequest.set(run.requestId, [...(byRequest.get(run.requestId) ?? []), run]);
  }
  for (const submission of notes.submissions) {
    auditSubmission(submission, byRequest.get(submission.requestId) ?? [], blame);
  }
  for (const run of runs.values())
    if (run.end === undefined) blame('N2', `the run ${run.runId} has not ended`);
  for (const { runId, state } of notes.ends) {
    const stored = runs.get(runId)?.end;
    if (stored !== state) blame('N2', `a client was told that ${runId} is ${state}; the log says ${stored}`);
  }
  for (const { call, runId, mark } of notes.calls) {
    const run = runs.get(runId);
    const count = call === 'resume' ? Math.min(1, run?.resumedCount ?? 0) : run?.marks.get(mark);
    // Of two pauses the second is answered too, and changes nothing; nobody here pauses twice.
    if (count !== 1)
      blame('N3', `the ${call} of ${runId} was acknowledged, and the log has it ${count ?? 0} times`);
    if (call === 'cancel' && run?.end === 'COMPLETED')
      blame('N3', `${runId} was cancelled, and is COMPLETED`);
  }
  for (const refusal of notes.refusals) blame('N7', refusal);
}

function auditSubmission(submission: SubmissionNote, runs: readonly RunHistory[], blame: Blame): void {
  const { requestId, kind, runId, end, output } = submission;
  const name = `the submission ${requestId} (${kind})`;
  const [run, ...others] = runs;
  if (others.length > 0) blame('N1', `${name} has made ${runs.length} runs`);
  if (run === undefined) {
    if (runId !== undefined) blame('N1', `${name} was acknowledged as ${runId}, and there is no such run`);
    return;
  }
  if (runId !== undefined && run.runId !== runId) {
    blame('N1', `${name} was acknowledged as ${runId}, and is ${run.runId}`);
  }
  if (run.end === undefined) return;
  if (run.end !== end) blame('N2', `${name} should have ended ${end}; ${run.runId} is ${run.end}`);
  else if (output !== undefined && !isDeepStrictEqual(run.output, output)) {
    const texts = [output, run.output].map((value) => JSON.stringify(value)?.slice(0, 200));
    blame('N2', `${name} should have come to ${texts[0]}; ${run.runId} came to ${texts[1]}`);
  }
}

function auditExecutors(
  notes: Iterable<ExecutorNote>,
  { leases }: Histories,
  blame: Blame,
): Map<string, number> {
  const answers = new Map<string, number>();
  const recorded = new Map<string, string>();
  for (const note of notes) {
    const lease = leases.get(note.lease);
    if (note.note === 'assigned') {
      const told = `${note.executorId} was given ${note.runId}/${note.taskKey} ${note.attempt} (${note.lease})`;
      if (lease === undefined) blame('N4', `${told}; the log has no such lease`);
      else if (
        lease.executorId !== note.executorId ||
        lease.runId !== note.runId ||
        lease.taskKey !== note.taskKey ||
        lease.attempt !== note.attempt
      ) {
        blame(
          'N4',
          `${told}; the log says ${lease.executorId}, ${lease.runId}/${lease.taskKey} ${lease.attempt}`,
        );
      }
      continue;
    }
    const answer = `${note.outcome}, answered ${note.status}`;
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (note.status !== 'RECORDED') continue;
    const told = `${note.executorId} was told that ${note.outcome} ${note.digest} of ${note.lease} is recorded`;
    const what = `${note.outcome} ${note.digest}`;
    const before = recorded.get(note.lease);
    if (before !== undefined && before !== what) blame('N5', `${told}; so was ${before}`);
    recorded.set(note.lease, what);
    if (lease?.outcome === undefined) blame('N5', `${told}; the log has no outcome of it`);
    else if (!isOutcome(lease, note.outcome, note.digest)) {
      blame('N5', `${told}; the log says ${lease.outcome.end} ${lease.outcome.digest}`);
    }
  }
  return answers;
}

function isOutcome({ outcome, isCancelling }: LeaseHistory, reported: Outcome, digest: string): boolean {
  // Once it was told to stop, a task can only become CANCELLED, whatever its executor came to.
  if (isCancelling && outcome?.end === 'CANCELLED') return true;
  switch (reported) {
    case 'completed':
      return outcome?.end === 'COMPLETED' && outcome.digest === digest;
    case 'failed':
      return outcome?.end === 'FAILED' && outcome.digest === digest;
    case 'cancelled':
      return outcome?.end === 'CANCELLED';
    case 'released':
      return outcome?.end === 'LOST';
  }
}
