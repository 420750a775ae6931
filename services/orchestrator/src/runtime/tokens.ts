// Unguessable names: lease tokens, sessions. Random bytes are drawn many at a time, since each draw
// costs far more than the bytes.

import { randomFillSync } from 'node:crypto';

const TOKEN_BYTES = 16;
const POOL_TOKENS = 512;

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
