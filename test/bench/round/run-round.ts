// How is one round run apart from this process, and what if it fails?

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RoundOrder, RoundResult } from './order.ts';

const PROGRAM = fileURLToPath(new URL('round.ts', import.meta.url));
const TIMEOUT_MS = 30 * 60_000;

/** Undefined if it failed; why is on stderr then. Rejects if `signal` ends it. */
export async function runRound(
  order: Omit<RoundOrder, 'folder'>,
  signal: AbortSignal,
): Promise<RoundResult | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'tutti-bench-'));
  // Servers that refuse to run as root must reach their own part of it.
  await chmod(folder, 0o755);
  try {
    signal.throwIfAborted();
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ ...order, folder })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const end = () => void child.kill('SIGTERM');
    signal.addEventListener('abort', end, { once: true });
    const timer = setTimeout(end, TIMEOUT_MS);
    let answer = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    const [code] = await once(child, 'close');
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    signal.throwIfAborted();
    return code === 0 ? (JSON.parse(answer) as RoundResult) : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
