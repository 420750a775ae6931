// When is the next attempt due?

import type { RetryPolicy } from './spec.ts';

const HASH_RANGE = 2 ** 32;

/**
 * min(maxDelayMs, initialDelayMs * factor^(n - 1)) before attempt n + 1, shortened by up to the
 * share `jitter`. `attempts` is n: the attempts so far that count. `seed` picks the jitter.
 */
export function retryDelayMs(policy: RetryPolicy, attempts: number, seed: number): number {
  if (policy.initialDelayMs === 0) return 0; // 0 * Infinity is not a delay
  const delayMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.factor ** (attempts - 1));
  return Math.round(delayMs * (1 - policy.jitter * (seed / HASH_RANGE)));
}

/**
 * A number below 2^32 that looks random and is the same for the same attempt: the domain draws
 * nothing, and attempts that failed together still come back apart. FNV-1a, mixed as in MurmurHash3.
 */
export function jitterSeed(runId: string, task: number, attempt: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < runId.length; i++) hash = Math.imul(hash ^ runId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ task, 0x01000193);
  hash = Math.imul(hash ^ attempt, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
