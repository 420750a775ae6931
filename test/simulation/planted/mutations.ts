// All planted bugs, by the layer that each is in.

import type { Mutation } from './mutation.ts';
import { DOMAIN_MUTATIONS } from './mutations/domain.ts';
import { ENGINE_MUTATIONS } from './mutations/engine.ts';
import { RUNTIME_MUTATIONS } from './mutations/runtime.ts';
import { STORE_MUTATIONS } from './mutations/store.ts';

export const MUTATIONS: readonly Mutation[] = [
  ...RUNTIME_MUTATIONS,
  ...STORE_MUTATIONS,
  ...ENGINE_MUTATIONS,
  ...DOMAIN_MUTATIONS,
];
