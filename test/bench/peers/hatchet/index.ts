// Hatchet: why it is not measured.

import type { Peer } from '../peer.ts';

const hatchet: Peer = {
  name: 'hatchet',
  settings: '',
  durability: 'FSYNC',
  kinds: [],
  // Looked at in November 2026. docs.hatchet.run/v1/running-locally: containers, or an engine embedded in a worker,
  // which TypeScript and Python fetch from GitHub's releases, and Go compiles in. But for the modules of that,
  // github.com/hatchet-dev/hatchet and github.com/hatchet-dev/hatchet-embedded, Go's module proxy answers 403,
  // "this module version is not available".
  prepare: async () =>
    'there is no adapter: its engine is had as container images or from GitHub releases, and Go’s module proxy refuses its modules',
  start: () => Promise.reject(new Error('hatchet has no adapter')),
};

export const peers: readonly Peer[] = [hatchet];
