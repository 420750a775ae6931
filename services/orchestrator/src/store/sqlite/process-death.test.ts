// Real processes on a real folder: S6 between processes, S1 under SIGKILL and on a full disk.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { batch, event, NAMESPACE } from '../contract/batches.ts';
import { expectStoreError } from '../contract/expect-store-error.ts';
import type { EventRecord, Store } from '../port.ts';
import { openSqliteStore } from './open.ts';

const script = fileURLToPath(new URL('./committing.fixture.ts', import.meta.url));

let folder = '';
let children: ChildProcess[] = [];
let stores: Store[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tutti-store-'));
  children = [];
  stores = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const store of stores) await store.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<Store> {
  const store = await openSqliteStore({ folder });
  stores.push(store);
  return store;
}

interface Committing {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly lines: string[];
  /** Resolves when it has printed so many lines, or has ended. */
  printed(count: number): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** `before` is shell that runs first in the same process. */
function startCommitting(before = ''): Committing {
  const command = `${before} exec "$0" --disable-warning=ExperimentalWarning "$1" "$2"`;
  const child = spawn('sh', ['-c', command, process.execPath, script, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  let open = true;
  const ended = once(reader, 'close').then(() => {
    open = false;
  });
  const printed = async (count: number): Promise<void> => {
    while (open && lines.length < count) await Promise.race([once(reader, 'line'), ended]);
  };
  return { process: child, lines, printed, ended };
}

/** Shows that nothing acknowledged is missing, no commit is torn, and the next one follows. */
async function checkEverything(store: Store, acknowledged: number): Promise<void> {
  const { epoch, latestRevision } = await store.claim(NAMESPACE);
  expect(latestRevision).toBeGreaterThanOrEqual(acknowledged);
  expect((latestRevision - 1) % 3).toBe(0);
  const events: EventRecord[] = [];
  while (events.length < latestRevision) {
    const query = { afterRevision: events.length, run: undefined, limit: 1_000, limitBytes: 1e9 };
    const page = await store.readEvents(NAMESPACE, query);
    expect(page.length).toBeGreaterThan(0);
    events.push(...page);
  }
  expect(events.map((one) => one.revision)).toEqual(Array.from({ length: latestRevision }, (_, i) => i + 1));
  expect((await store.getRun(NAMESPACE, 'run-1'))?.lastRevision).toBe(latestRevision);
  if (latestRevision > 1) {
    expect((await store.getTask(NAMESPACE, 1, 'task-0'))?.attemptCount).toBe(latestRevision);
  }
  await store.commit(batch(epoch, { events: [event(latestRevision + 1)] }));
}

it('S1, S6: a second process is refused until the first is killed; then all that was acknowledged is there', async () => {
  const first = startCommitting();
  await first.printed(1);
  const refusal = await expectStoreError(open(), 'IN_USE');
  expect(refusal.message).toContain(folder);
  expect(refusal.message).toContain('Stop it, or');
  const second = startCommitting();
  await second.ended;
  expect(second.lines).toEqual(['IN_USE']);

  await first.printed(first.lines.length + 100);
  first.process.kill('SIGKILL');
  await first.ended;
  const acknowledged = Number(first.lines.at(-1));
  expect(acknowledged).toBeGreaterThan(300);
  await checkEverything(await open(), acknowledged);
});

it('S1: survives being killed again and again, each time on what the last one left', async () => {
  for (const commits of [1, 7, 40]) {
    const child = startCommitting();
    await child.printed(commits);
    child.process.kill('SIGKILL');
    await child.ended;
    const store = await open();
    await checkEverything(store, Number(child.lines.at(-1)));
    await store.close();
    await rm(folder, { recursive: true });
  }
});

it('answers FAILED when the disk takes no more, and keeps what it acknowledged', async () => {
  // A limit on the size of files is what an unprivileged test has for a full disk (512-byte blocks).
  const child = startCommitting("trap '' XFSZ; ulimit -f 3000;");
  await child.ended;
  expect(child.lines.at(-1)).toBe('FAILED');
  const acknowledged = Number(child.lines.at(-2));
  expect(acknowledged).toBeGreaterThan(1);
  await checkEverything(await open(), acknowledged);
});
