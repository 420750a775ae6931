// What becomes of messages on their way?
//
// Executors talk over NATS: each message arrives at most once, at any time, in any order, or not at all; the
// executors' own repeats double them, and so does the simulation. Clients talk over gRPC: a connection that
// breaks takes the question or the answer with it, and the client learns that, or its patience ends.

import type { Coverage, Fault } from './coverage.ts';
import type { Random } from './random.ts';
import type { Time } from './time.ts';

/** An executor's id, or the orchestrator, whichever process that is at the moment. */
export type Place = string;
export const ORCHESTRATOR: Place = 'orchestrator';

export interface NetworkRates {
  /** Shares of messages. */
  lost: number;
  doubled: number;
  delayed: number;
  brokenConnections: number;
}

export interface Network {
  readonly rates: NetworkRates;
  /** Sends a message over NATS; `arrive` is called as often as it arrives. */
  message(from: Place, to: Place, arrive: () => void): void;
  /** Nothing gets from the one to the other; back it may. */
  partition(from: Place, to: Place): void;
  join(from: Place, to: Place): void;
  heal(): void;
  /** Down for so long. A lame duck lets go of nothing that it has, a restart of everything. */
  interrupt(how: 'RESTART' | 'LAME_DUCK', durationMs: number): void;
  /** Over gRPC. `ask` is called if the question arrives; what it is given, if the answer does, calls back. */
  request<R>(
    ask: (reply: (answer: R) => void) => void,
    answered: (answer: R) => void,
    lost: () => void,
  ): void;
}

export function createNetwork(time: Time, random: Random, coverage: Coverage): Network {
  const partitions = new Set<string>();
  /** By link: which message arrived last, to notice that one has overtaken another. */
  const arrived = new Map<string, number>();
  let sent = 0;
  let restarts = 0;
  let downUntilMs = 0;
  let downBy: Fault = 'NATS_RESTART';

  const network: Network = {
    rates: { lost: 0, doubled: 0, delayed: 0, brokenConnections: 0 },
    message(from, to, arrive) {
      const fate = fateOf(from, to);
      if (fate !== undefined) {
        coverage.fault(fate);
        return;
      }
      transmit(`${from}>${to}`, arrive);
      if (!random.chance(network.rates.doubled)) return;
      coverage.fault('MESSAGE_DOUBLED');
      transmit(`${from}>${to}`, arrive);
    },
    partition: (from, to) => void partitions.add(`${from}>${to}`),
    join: (from, to) => void partitions.delete(`${from}>${to}`),
    heal() {
      partitions.clear();
      Object.assign(network.rates, { lost: 0, doubled: 0, delayed: 0, brokenConnections: 0 });
    },
    interrupt(how, durationMs) {
      downUntilMs = time.nowMs() + durationMs;
      downBy = how === 'RESTART' ? 'NATS_RESTART' : 'NATS_LAME_DUCK';
      coverage.fault(downBy);
      if (how === 'RESTART') restarts += 1;
    },
    request(ask, answered, lost) {
      const breaks = random.chance(network.rates.brokenConnections);
      const question = breaks && random.chance(0.5);
      if (breaks) {
        coverage.fault(question ? 'CLIENT_REQUEST_LOST' : 'CLIENT_ANSWER_LOST');
        time.after(random.between(5, 1_000), lost);
      }
      if (question) return;
      time.after(random.between(0, 3), () =>
        ask((answer) => {
          if (!breaks) time.after(random.between(0, 3), () => answered(answer));
        }),
      );
    },
  };

  function fateOf(from: Place, to: Place): Fault | undefined {
    if (time.nowMs() < downUntilMs) return downBy;
    if (partitions.has(`${from}>${to}`))
      return to === ORCHESTRATOR ? 'PARTITION_FROM_EXECUTOR' : 'PARTITION_TO_EXECUTOR';
    return random.chance(network.rates.lost) ? 'MESSAGE_LOST' : undefined;
  }

  function transmit(link: string, arrive: () => void): void {
    sent += 1;
    const mine = sent;
    const before = restarts;
    time.after(delayMs(), () => {
      if (restarts !== before) return; // The server had it.
      if ((arrived.get(link) ?? 0) > mine) coverage.fault('MESSAGE_REORDERED');
      else arrived.set(link, mine);
      arrive();
    });
  }

  function delayMs(): number {
    if (!random.chance(network.rates.delayed)) return random.below(3);
    coverage.fault('MESSAGE_DELAYED');
    return random.chance(0.2) ? random.between(1_000, 30_000) : random.between(5, 1_000);
  }

  return network;
}
