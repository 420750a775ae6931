// The one way to show that a call was refused, and with which code.

import { expect } from 'vitest';
import { StoreError, type StoreErrorCode } from '../port.ts';

export async function expectStoreError(promise: Promise<unknown>, code: StoreErrorCode): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  const storeError = error as StoreError;
  expect(storeError.code, storeError.message).toBe(code);
  return storeError;
}
