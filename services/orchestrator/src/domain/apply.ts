// A command from its decision to the last of its consequences.

import type { RunCommand } from './commands.ts';
import { decide } from './decide.ts';
import type { Change, RunEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { follow } from './follow.ts';
import type { Graph } from './graph.ts';
import { startRun } from './initial.ts';
import { accept, type Result } from './rejection.ts';
import type { RunParent } from './spec.ts';
import type { RunState } from './state.ts';
import { asOfNow, stillApplies } from './still-applies.ts';

/**
 * Evolves `run` in place by what the command comes to, and by all that follows from it. Gives the
 * events, which take the revisions from `nextRevision` on. A refused command changes nothing.
 */
export function apply(
  run: RunState,
  command: RunCommand,
  nowMs: number,
  nextRevision: number,
): Result<readonly RunEvent[]> {
  const decided = decide(run, command, nowMs);
  if (!decided.ok) return decided;
  return accept(enact(run, decided.value, nowMs, nextRevision));
}

export function submitRun(
  runId: string,
  graph: Graph,
  traceparent: string,
  nowMs: number,
  nextRevision: number,
  parent?: RunParent,
): { readonly run: RunState; readonly events: readonly RunEvent[] } {
  const change = { type: 'RunSubmitted', runId, graph, traceparent, parent } as const;
  const event = { revision: nextRevision, atMs: nowMs, change };
  const run = startRun(event);
  const consequences = enact(run, follow(run, change, nowMs), nowMs, nextRevision + 1);
  return { run, events: consequences.length === 0 ? [event] : [event, ...consequences] };
}

/**
 * First come, first enacted. Ends because every consequence brings a task or the run closer to its
 * end; what brings it back (a send-back, an iteration) is counted and limited, and so are the tasks that
 * a run may get.
 */
function enact(
  run: RunState,
  decided: readonly Change[],
  nowMs: number,
  nextRevision: number,
): readonly RunEvent[] {
  const events: RunEvent[] = [];
  // What has been enacted is let go of: a step may be long.
  for (let wave: (readonly Change[])[] = [decided]; wave.length > 0; ) {
    const next: (readonly Change[])[] = [];
    for (const batch of wave) {
      for (const decidedBefore of batch) {
        const change = asOfNow(run, decidedBefore);
        if (change === undefined || !stillApplies(run, change)) continue;
        const event = { revision: nextRevision + events.length, atMs: nowMs, change };
        evolve(run, event);
        events.push(event);
        const consequences = follow(run, change, nowMs);
        if (consequences.length > 0) next.push(consequences);
      }
    }
    wave = next;
  }
  return events;
}
