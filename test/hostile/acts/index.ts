// What does not fit into one request? Each act is one of the corpus's, by its name there: what it does to
// a door, and the answer that decides.

import type { JsonObject } from '@bufbuild/protobuf';
import type { DoorName } from '../corpus.ts';
import type { Answer } from '../doors/answer.ts';
import type { Scene } from '../scene.ts';
import { connectionActs } from './connections.ts';
import { executorActs } from './executors.ts';
import { streamActs } from './streams.ts';

export type Act = (scene: Scene, door: DoorName, params: JsonObject) => Promise<Answer>;

export const acts: Readonly<Record<string, Act>> = { ...connectionActs, ...streamActs, ...executorActs };
