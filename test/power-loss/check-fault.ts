// A process that is killed at one call, or whose calls fail from one on: what does it leave behind?

import { judge } from './audit/judge.ts';
import { checkImages } from './check-images.ts';
import { findDifference } from './disk/faithful.ts';
import { record } from './recorder/record.ts';
import type { ScratchSpace } from './scratch-space.ts';
import { type Known, know, NOTHING_KNOWN, readNote } from './workload/notes.ts';

/** Errno of Linux. */
const ERRORS = { EIO: 5, EIO_OF_READ: 5, ENOSPC: 28 } as const;

export type Fault =
  | { readonly type: 'KILL'; readonly call: number }
  /** `calls`: how many fail, one after the other. */
  | { readonly type: keyof typeof ERRORS; readonly call: number; readonly calls: number };

export interface FaultReport {
  /** Whether the process got that far. */
  readonly met: boolean;
  /** How often the store answered FAILED, or could not be opened. */
  readonly refusals: number;
  readonly violations: readonly string[];
}

export function describeFault(fault: Fault): string {
  if (fault.type === 'KILL') return `killed at call ${fault.call}`;
  return `${fault.type} at call ${fault.call}${fault.calls > 1 ? ` and ${fault.calls - 1} more` : ''}`;
}

/** As recorder.c has it. */
function tell(fault: Fault): string {
  if (fault.type === 'KILL') return `kill ${fault.call}`;
  const which = fault.type === 'EIO_OF_READ' ? ' reads' : '';
  return `${ERRORS[fault.type]} ${fault.call} ${fault.call + fault.calls}${which}`;
}

/** After a failed sync (D4) the power is cut at some places, too. */
const CUT_AFTER_FAILED_SYNC = { randomImages: 2, every: 20, maxViolations: 3 };

export async function checkFault(
  recorder: string,
  phases: readonly number[],
  fault: Fault,
  space: ScratchSpace,
  seed: number,
): Promise<FaultReport> {
  const told = tell(fault);
  using recording = await record({ recorder, processes: [{ phases, fault: told }] });
  const { calls, exit } = recording;
  let known: ReadonlyMap<string, Known> = new Map();
  for (const call of calls) {
    if (call.type !== 'NOTE') continue;
    const note = readNote(call.text);
    known = new Map(known).set(note.lane, know(known.get(note.lane) ?? NOTHING_KNOWN, note));
  }
  const refusals = recording.output.split('\n').filter((line) => /\b(FAILED|UNUSABLE)\b/.test(line)).length;
  const met =
    fault.type === 'KILL'
      ? exit === 'SIGKILL'
      : calls.some((call) => call.type === 'REFUSED' || (call.type === 'SYNC' && call.failed));
  const wrong = [
    exit === 0 || (fault.type === 'KILL' && exit === 'SIGKILL')
      ? undefined
      : `the process ended with ${exit}: ${recording.output.slice(-2_000)}`,
    findDifference(recording),
  ];
  const forsaken = calls.some((call) => call.type === 'SYNC' && call.failed);
  const cut = forsaken
    ? await checkImages(recording, space.auditors, space.folder, { ...CUT_AFTER_FAILED_SYNC, seed })
    : undefined;
  // Last, for it changes the folder.
  wrong.push(judge(await space.auditors.find(recording.folder), known));
  const violations = [...wrong.filter((one) => one !== undefined), ...(cut?.violations ?? [])];
  return { met, refusals, violations: violations.map((one) => `${describeFault(fault)}: ${one}`) };
}
