// The only source of chance in a simulation: the same seed and the same name give the same numbers.

export interface Random {
  /** An integer from 0 up to, and without, `limit`. */
  below(limit: number): number;
  /** An integer, both ends included. */
  between(least: number, most: number): number;
  /** True in that share of cases, 0 to 1. */
  chance(share: number): boolean;
  /** Throws if there is nothing to pick from. */
  pick<T>(from: readonly T[]): T;
  /** Another source, which what is drawn from this one does not change. */
  fork(name: string): Random;
}

export function createRandom(seed: number, name = ''): Random {
  let state = hash(name, seed);

  /** mulberry32: 32 bits of state are plenty for one actor of one small world. */
  function next(): number {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit);
  return {
    below,
    between: (least, most) => least + below(most - least + 1),
    chance: (share) => next() < share * 0x1_0000_0000,
    pick(from) {
      if (from.length === 0) throw new Error('nothing to pick from');
      return from[below(from.length)] as (typeof from)[number];
    },
    fork: (child) => createRandom(seed, `${name}/${child}`),
  };
}

/** FNV-1a, begun with the seed. */
function hash(text: string, seed: number): number {
  let state = (0x811c_9dc5 ^ Math.imul(seed, 0x9e37_79b1)) >>> 0;
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x0100_0193) >>> 0;
  }
  return state;
}
