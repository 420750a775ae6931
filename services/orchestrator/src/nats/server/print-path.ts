// Prints the path of a nats-server that serves, obtaining one if need be: `node print-path.ts`.
// For set-up scripts; what it does goes to stderr.

import { defaultCacheFolder } from './find.ts';
import { obtainNatsServer } from './obtain.ts';

try {
  const binary = await obtainNatsServer({
    env: process.env,
    cacheFolder: defaultCacheFolder(process.env),
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${binary.path}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
