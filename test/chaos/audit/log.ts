// What does the orchestrator's database hold, now that no process writes to it? Read as it stands on the disk,
// without the code that wrote it.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromBinary } from '@bufbuild/protobuf';
import { EventAttachmentSchema } from '@tutti/proto/tutti/store/v1/record_pb.ts';
import { type Event, EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { DATABASE_FILE } from '../../../services/orchestrator/src/store/sqlite/files.ts';
import { REVISION_BITS } from '../../../services/orchestrator/src/store/sqlite/schema.ts';

export interface LogEntry {
  readonly event: Event;
  /** Of a task that an executor was given; else empty. */
  readonly leaseToken: string;
}

/** All of a namespace, in the order of the keys under which the events are stored. */
export function* readStoredLog(dataFolder: string, namespace = 'default'): Generator<LogEntry> {
  const database = new DatabaseSync(join(dataFolder, DATABASE_FILE));
  try {
    const row = database.prepare('SELECT id FROM namespaces WHERE name = ?').get(namespace);
    if (row === undefined) return;
    const events = database.prepare(
      `SELECT payload, attachment FROM events
       WHERE id > (?1 << ${REVISION_BITS}) AND id < ((?1 + 1) << ${REVISION_BITS}) ORDER BY id`,
    );
    for (const { payload, attachment } of events.iterate(Number(row['id']))) {
      const event = fromBinary(EventSchema, payload as Uint8Array);
      const leaseToken =
        attachment === null ? '' : fromBinary(EventAttachmentSchema, attachment as Uint8Array).leaseToken;
      yield { event, leaseToken };
    }
  } finally {
    database.close();
  }
}
