// Prints the path of a nats-server that serves, obtaining one if need be: `node print-path.ts`.
// For set-up scripts and `tutti up`; what it does goes to stderr. A signal ends what it does and leaves
// nothing half-made behind.

import { defaultCacheFolder } from './find.ts';
import { obtainNatsServer } from './obtain.ts';

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => ending.abort(new Error(`interrupted by ${signal}`)));
}
try {
  const binary = await obtainNatsServer({
    env: process.env,
    cacheFolder: defaultCacheFolder(process.env),
    say: (line) => process.stderr.write(`${line}\n`),
    signal: ending.signal,
  });
  process.stdout.write(`${binary.path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
