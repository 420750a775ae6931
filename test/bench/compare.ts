// In which order is measured, where several take part? First each is watched for its system calls, in a round
// that is not measured; then round 1 of all, round 2 of all, each time beginning with another one, so that what
// changes on the machine meanwhile meets all of them alike.

import type { Entrant } from './contestants.ts';
import type { RoundResult } from './round/order.ts';
import { runRound } from './round/run-round.ts';
import type { SystemCalls } from './round/system-calls.ts';
import type { ComparedWorkload, WorkloadOptions } from './workloads/workload.ts';

export interface Outcome {
  readonly entrant: Entrant;
  readonly systemCalls: SystemCalls | undefined;
  readonly rounds: readonly RoundResult[];
  /** Those among them that were then repeated, too. */
  readonly failedRounds: number;
}

const ROUNDS = 5;
const TRIALS_OF_A_ROUND = 2;

export async function compare(
  name: string,
  workload: ComparedWorkload,
  entrants: readonly Entrant[],
  options: WorkloadOptions,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { say, tasks } = options;
  const rounds = options.rounds ?? ROUNDS;
  const slots = options.slots ?? workload.defaultSlots;
  const play = async ({ peer, module, cache }: Entrant, purpose: 'COUNT' | 'MEASURE') => {
    const result = await runRound(
      { module, cache, contestant: peer.name, purpose, workload: name, slots, tasks },
      signal,
    );
    if (result === undefined) say(`${peer.name}: a round failed, as said above`);
    return result;
  };
  const takePart = entrants.filter(({ peer }) => workload.loads.some((kind) => peer.kinds.includes(kind)));
  /** Once more after a failure, such as a port that another program took: medians are over as many for all. */
  const measured = async (outcome: { readonly entrant: Entrant; failedRounds: number }) => {
    for (let trial = 0; trial < TRIALS_OF_A_ROUND; trial += 1) {
      const result = await play(outcome.entrant, 'MEASURE');
      if (result !== undefined) return result;
      outcome.failedRounds += 1;
    }
    return undefined;
  };
  for (const { peer } of entrants.filter((entrant) => !takePart.includes(entrant))) {
    say(`${peer.name} is left out: it has nothing like ${workload.loads.join(', ')}`);
  }
  const outcomes = takePart.map((entrant) => ({
    entrant,
    systemCalls: undefined as SystemCalls | undefined,
    rounds: [] as RoundResult[],
    failedRounds: 0,
  }));
  for (const outcome of outcomes) {
    say(`${outcome.entrant.peer.name}: counting system calls`);
    outcome.systemCalls = (await play(outcome.entrant, 'COUNT'))?.systemCalls;
  }
  for (let number = 0; number < rounds; number += 1) {
    for (let place = 0; place < outcomes.length; place += 1) {
      const outcome = outcomes[(place + number) % outcomes.length];
      if (outcome === undefined) continue;
      const result = await measured(outcome);
      if (result !== undefined) outcome.rounds.push(result);
      for (const part of result?.parts ?? []) {
        const rate = Math.round(part.tasks / part.seconds);
        const latency = part.completedMs === undefined ? '' : `, p50 ${part.completedMs.p50.toFixed(2)} ms`;
        say(`round ${number + 1}, ${outcome.entrant.peer.name}, ${part.name}: ${rate} tasks/s${latency}`);
      }
    }
  }
  return outcomes;
}
