// Is what a data folder holds what the process may rely on, by what it had been told?
//
//  P1  The store opens, shows every step whole or not at all, and goes on.
//  P2  Every step that was acknowledged is there.
//  P3  Nothing is there that was never begun.
//  P4  An epoch that was acknowledged is not given again.

import { type Known, NOTHING_KNOWN } from '../workload/notes.ts';
import type { Finding } from './audit.ts';

/** What is wrong; undefined where all is as it should be. */
export function judge(finding: Finding, known: ReadonlyMap<string, Known>): string | undefined {
  if (finding.type === 'BROKEN') return `P1: ${finding.why}`;
  for (const [lane, { steps, epoch }] of finding.lanes) {
    const { acknowledged, begun, epoch: latestEpoch } = known.get(lane) ?? NOTHING_KNOWN;
    if (steps < acknowledged)
      return `P2: ${lane}: ${acknowledged} steps were acknowledged, ${steps} are there`;
    if (steps > begun) return `P3: ${lane}: ${begun} steps were begun, ${steps} are there`;
    if (latestEpoch > 0 && epoch <= latestEpoch) {
      return `P4: ${lane}: epoch ${latestEpoch} was acknowledged, and ${epoch} was given after that`;
    }
  }
  return undefined;
}
