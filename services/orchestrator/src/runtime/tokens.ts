// Unguessable names: lease tokens, sessions, runs.

import type { Clock } from './ports.ts';
import { createRandomPool } from './random-pool.ts';

/** Each call gives 128 random bits as 22 characters of base64url. */
export function createTokenMint(): () => string {
  return createRandomPool(16, 'base64url');
}

/** Run ids: 48 bits of time, so that they sort by it, and 80 random ones, as 32 hexadecimal digits. */
export function createRunIdMint(clock: Pick<Clock, 'nowMs'>): () => string {
  const random = createRandomPool(10, 'hex');
  return () => clock.nowMs().toString(16).padStart(12, '0') + random();
}
