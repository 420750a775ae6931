// Imported first, this gives the store no threads but this one: starting two for each of thousands of
// images takes ten times as long as all the rest. Each still gets its own script and its own messages.

import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import threads, { MessageChannel, type MessagePort, type Transferable } from 'node:worker_threads';

const builtin = threads as { parentPort: MessagePort | null; Worker: unknown };
let scripts = 0;
let loading: Promise<unknown> = Promise.resolve();

/** The part of a Worker that the store uses. */
class SameThread extends EventEmitter {
  readonly #port: MessagePort;

  constructor(script: URL) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: unknown) => this.emit('message', message));
    port1.on('close', () => this.emit('exit', 0));
    // One after the other: a script takes the port while it is loaded. The query makes it a new one.
    loading = loading.then(async () => {
      builtin.parentPort = port2;
      syncBuiltinESMExports();
      scripts += 1;
      await import(`${script.href}?${scripts}`);
    });
    loading.catch((error: unknown) => this.emit('error', error));
  }

  postMessage(message: unknown, transfer: readonly Transferable[]): void {
    this.#port.postMessage(message, transfer);
  }
}

builtin.Worker = SameThread;
syncBuiltinESMExports();
