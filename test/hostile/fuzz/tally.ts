// How much was sent, and what was answered?

import type { Answer } from '../doors/answer.ts';

export interface Tally {
  add(answer: Answer): void;
  memory(rssMiB: number, peakMiB: number): void;
  line(): string;
  /** Answers by code and reason, the most frequent first. */
  table(): string;
}

export function createTally(nowMs: () => number): Tally {
  const startedAtMs = nowMs();
  const counts = new Map<string, number>();
  let total = 0;
  let memory = '';
  const perSecond = () => Math.round(total / Math.max(0.001, (nowMs() - startedAtMs) / 1_000));
  return {
    add(answer) {
      total += 1;
      const told = [answer.kind, answer.code ?? answer.status, answer.reason].filter(
        (part) => part !== undefined,
      );
      const name = told.join(' ');
      counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    memory(rssMiB, peakMiB) {
      memory = `memory of the orchestrator: ${rssMiB} MiB at the end, ${peakMiB} MiB at most`;
    },
    line: () => `${total} requests, ${perSecond()} a second`,
    table() {
      const rows = [...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => `${String(count).padStart(9)} ${name}`);
      return [`${total} requests, ${perSecond()} a second`, ...rows, memory].join('\n');
    },
  };
}
