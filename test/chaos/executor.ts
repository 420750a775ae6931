// The executor of the chaos: takes attempts through the SDK, does small sums, and notes what it is told.
//
// TUTTI_CHAOS_NOTES names the folder of its notes.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type AttemptContext, createExecutor, RetryableError } from '@tutti/client/executor';
import { createNoteFile } from './notes.ts';
import { noteTheWire } from './wire-notes.ts';

const { values } = parseArgs({
  options: {
    slots: { type: 'string', default: '8' },
    'exit-with-parent': { type: 'boolean', default: false },
  },
});
const {
  TUTTI_EXECUTOR_ID: id = 'executor',
  TUTTI_NATS_URL: url = '',
  TUTTI_CHAOS_NOTES: notes,
} = process.env;
if (notes === undefined) throw new Error('TUTTI_CHAOS_NOTES names no folder');

interface Timed {
  readonly ms: number;
}

async function takeTime({ ms }: Timed, { signal }: AttemptContext): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

const executor = createExecutor({
  id,
  slots: Number(values.slots),
  capabilities: {
    /** 1, and the sum of what its dependencies came to. */
    add: async (input: Timed, context) => {
      await takeTime(input, context);
      let sum = 1;
      for (const { result } of context.dependencies.values()) if (typeof result === 'number') sum += result;
      return sum;
    },
    /** Fails so many times, then is done. */
    flaky: async (input: Timed & { readonly failures: number }, context) => {
      await takeTime(input, context);
      if (context.attempt <= input.failures) throw new RetryableError('FLAKY', `attempt ${context.attempt}`);
      return 1;
    },
    double: async (input: number, context) => {
      await takeTime({ ms: 5 }, context);
      return 2 * input;
    },
    increment: async (input: number) => input + 1,
    /** A text of so many characters: beyond what a message carries, it is stored apart. */
    large: async (input: { readonly characters: number }) => 'x'.repeat(input.characters),
    /** How long the text is that its only dependency came to. */
    measure: async (_input: unknown, context) =>
      [...context.dependencies.values()].map(({ result }) => String(result).length)[0] ?? 0,
    /** Of recorded workflows. */
    sleep: (input: { readonly seconds: number }, context) => takeTime({ ms: input.seconds * 1_000 }, context),
  },
  drainTimeout: 4_000,
  handleSignals: true,
});
if (values['exit-with-parent']) {
  // The parent holds the other end for as long as it lives.
  process.stdin.on('end', () => void executor.stop());
  process.stdin.on('error', () => void executor.stop());
  process.stdin.resume();
}
await noteTheWire(url, id, createNoteFile(notes, id));
await executor.start();
process.stdout.write(`${JSON.stringify({ executorId: executor.id })}\n`);
const error = await executor.closed;
process.exit(error === undefined ? 0 : 1);
