// Which clients use the store side by side?

import { createCommits } from './commits.ts';
import { createDeletions } from './deletions.ts';
import type { Lane } from './lane.ts';
import { createPayloads } from './payloads.ts';
import { createWorkflows } from './workflows.ts';

export function createLanes(): readonly Lane[] {
  return [createCommits(), createPayloads(), createWorkflows(), createDeletions()];
}
