// Random bytes, drawn many at a time: each draw costs far more than the bytes.

import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8_192;

/** Each call gives `bytes` fresh random ones, encoded. `bytes` divides 8,192, or the last few are not used. */
export function createRandomPool(bytes: number, encoding: 'hex' | 'base64url'): () => string {
  const pool = Buffer.alloc(POOL_BYTES);
  let offset = POOL_BYTES;
  return () => {
    if (offset + bytes > POOL_BYTES) {
      randomFillSync(pool);
      offset = 0;
    }
    offset += bytes;
    return pool.toString(encoding, offset - bytes, offset);
  };
}
