// How does an adapter start several things such that none stays behind, also where a later one does not start?

import type { Running } from './peer.ts';

/** What is named last stops first. */
export type OnStop = (stop: () => unknown) => void;

/** @param start names, with `onStop`, how each thing that it has started is stopped; nothing else need stop it */
export async function startAllOrNone(
  start: (onStop: OnStop) => Promise<Omit<Running, 'stop'>>,
): Promise<Running> {
  const stops: (() => unknown)[] = [];
  const stopAll = async () => {
    const failures: unknown[] = [];
    for (const each of stops.splice(0).reverse()) {
      try {
        await each();
      } catch (error) {
        // The others are stopped all the same.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  let stopping: Promise<void> | undefined;
  /** Whoever asks again, as for a second signal, waits for the same. */
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };
  try {
    return { ...(await start((each) => stops.push(each))), stop };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}
