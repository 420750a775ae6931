// A process for tests that kill it: commits without end and prints each acknowledged revision.
//
//   node committing.fixture.ts FOLDER
//
// Ends with its parent (stdin), after a bound, or by printing the code of the store's error.

import { batch, event, NAMESPACE, runStatus, submission, taskStatus } from '../contract/batches.ts';
import { StoreError } from '../port.ts';
import { openSqliteStore } from './open.ts';

const MAX_COMMITS = 200_000;
const EVENTS_PER_COMMIT = 3;

process.stdin.on('end', () => process.exit(0)).resume();

const [folder = ''] = process.argv.slice(2);
try {
  const store = await openSqliteStore({ folder });
  const { epoch } = await store.claim(NAMESPACE);
  await store.commit(submission(epoch, 1));
  process.stdout.write('1\n');
  for (let commits = 0, last = 1; commits < MAX_COMMITS; commits += 1) {
    const events = Array.from({ length: EVENTS_PER_COMMIT }, (_, i) => event(last + 1 + i, { task: i % 2 }));
    last += EVENTS_PER_COMMIT;
    // Each row carries the revision, so that one that is torn from its events shows.
    const runs = [runStatus(1, { lastRevision: last })];
    await store.commit(batch(epoch, { events, runs, tasks: [taskStatus(1, 0, { attemptCount: last })] }));
    process.stdout.write(`${last}\n`);
  }
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  process.stdout.write(`${error.code}\n`);
}
process.exit(0);
