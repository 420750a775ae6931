// What does a data folder hold, opened by the store as shipped? Run after every power loss.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readSetting } from '../../../services/orchestrator/src/store/sqlite/connection.ts';
import { DATABASE_FILE } from '../../../services/orchestrator/src/store/sqlite/files.ts';
import { openSqliteStore } from '../../../services/orchestrator/src/store/sqlite/open.ts';
import { createLanes } from '../workload/lanes.ts';

export type Finding =
  | {
      readonly type: 'SOUND';
      /** Lane -> what it shows. */
      readonly lanes: ReadonlyMap<string, { readonly steps: number; readonly epoch: number }>;
    }
  /** It does not open, shows a step in part, or does not go on. */
  | { readonly type: 'BROKEN'; readonly why: string };

/** Changes the folder: every lane does one more step, to show that it goes on. */
export async function audit(folder: string): Promise<Finding> {
  try {
    const lanes = await readLanes(folder);
    const database = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
    try {
      const found = String(readSetting(database, 'integrity_check'));
      if (found !== 'ok') return { type: 'BROKEN', why: `integrity_check: ${found}` };
    } finally {
      database.close();
    }
    return { type: 'SOUND', lanes };
  } catch (error) {
    return {
      type: 'BROKEN',
      why: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

async function readLanes(folder: string) {
  const found = new Map<string, { readonly steps: number; readonly epoch: number }>();
  const store = await openSqliteStore({ folder });
  try {
    for (const lane of createLanes()) {
      const steps = await lane.recover(store);
      const epoch = await lane.begin(store);
      await lane.step(store, steps);
      found.set(lane.name, { steps, epoch });
    }
  } finally {
    await store.close();
  }
  return found;
}
