// How long is a program waited for until it says that it is ready?

import type { Child } from './child.ts';

const readyTimeoutMs = 60_000;

/** @param signal ends the wait early. */
export async function readyInTime(
  child: Child,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const timeout = AbortSignal.timeout(readyTimeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const over = new Promise<never>((_, reject) => {
    const fail = (): void => {
      reject(
        new Error(timeout.aborted ? `${name} was not ready within ${readyTimeoutMs} ms` : 'interrupted'),
      );
    };
    if (either.aborted) fail();
    else either.addEventListener('abort', fail, { once: true });
  });
  over.catch(() => {});
  return Promise.race([child.ready, over]);
}
