// Unguessable names: lease tokens, sessions. Random bytes are drawn many at a time, since each draw
// costs far more than the bytes.

import { randomFillSync } from 'node:crypto';
import type { Clock } from './ports.ts';

const TOKEN_BYTES = 16;
const POOL_TOKENS = 512;
const RANDOM_BYTES = 10;

/** Each call gives 128 random bits as 22 characters of base64url. */
export function createTokenMint(): () => string {
  const pool = Buffer.alloc(TOKEN_BYTES * POOL_TOKENS);
  let offset = pool.length;
  return () => {
    if (offset === pool.length) {
      randomFillSync(pool);
      offset = 0;
    }
    offset += TOKEN_BYTES;
    return pool.toString('base64url', offset - TOKEN_BYTES, offset);
  };
}

/** Run ids: 48 bits of time, so that they sort by it, and 80 random ones, as 32 hexadecimal digits. */
export function createRunIdMint(clock: Pick<Clock, 'nowMs'>): () => string {
  const pool = Buffer.alloc(RANDOM_BYTES * POOL_TOKENS);
  let offset = pool.length;
  return () => {
    if (offset === pool.length) {
      randomFillSync(pool);
      offset = 0;
    }
    const random = pool.toString('hex', offset, offset + RANDOM_BYTES);
    offset += RANDOM_BYTES;
    return clock.nowMs().toString(16).padStart(12, '0') + random;
  };
}
