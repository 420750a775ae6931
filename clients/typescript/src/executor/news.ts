// What have attempts said that no heartbeat has carried yet, and which of it goes with the next one?
//
// Only the latest of each kind, in the order in which attempts began to wait: a Map keeps that order,
// and what was said goes to its end when the attempt speaks again. Progress goes before checkpoints,
// which are larger; checkpoints that were passed over go first in the next heartbeat. So every attempt
// comes to speak, however much the others say.

import { create } from '@bufbuild/protobuf';
import { type HeldAttempt, HeldAttemptSchema } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { payloadSizeBytes } from '../payloads.ts';

type Progress = NonNullable<HeldAttempt['progress']>;
type Checkpoint = NonNullable<HeldAttempt['checkpoint']>;

/** What waits to be said. */
export interface News {
  progress(leaseToken: string, progress: Progress): void;
  checkpoint(leaseToken: string, checkpoint: Checkpoint): void;
  /** Its checkpoint that waits. */
  checkpointOf(leaseToken: string): Checkpoint | undefined;
  /** Nothing of this attempt is to be said any more. */
  forget(leaseToken: string): void;
  /** Every token, with as much news as fits into `limitBytes` with them. The rest waits. */
  say(leaseTokens: Iterable<string>, limitBytes: number): HeldAttempt[];
  /** What was said did not arrive: it waits again, unless there is something newer. */
  unsay(said: HeldAttempt): void;
  /** Whether the last `say` left something that could go with the next. */
  readonly isLeft: boolean;
}

// What protobuf adds to a lease token, and to progress or a checkpoint.
const ENTRY_BYTES = 8;
const ITEM_BYTES = 24;

export function createNews(): News {
  const progresses = new Map<string, Progress>();
  const checkpoints = new Map<string, Checkpoint>();
  let isCheckpointFirst = false;
  let isLeft = false;

  return {
    get isLeft() {
      return isLeft;
    },
    progress: (leaseToken, progress) => void progresses.set(leaseToken, progress),
    checkpoint: (leaseToken, checkpoint) => void checkpoints.set(leaseToken, checkpoint),
    checkpointOf: (leaseToken) => checkpoints.get(leaseToken),
    forget(leaseToken) {
      progresses.delete(leaseToken);
      checkpoints.delete(leaseToken);
    },
    say(leaseTokens, limitBytes) {
      const said = new Map<string, HeldAttempt>();
      let roomBytes = limitBytes;
      for (const leaseToken of leaseTokens) {
        said.set(leaseToken, create(HeldAttemptSchema, { leaseToken }));
        roomBytes -= leaseToken.length + ENTRY_BYTES;
      }
      const wholeRoomBytes = roomBytes;
      isLeft = false;
      let isCheckpointLeft = false;
      const sayProgresses = () => {
        for (const [token, progress] of progresses) {
          const entry = said.get(token);
          // UTF-8 has at most 3 bytes for a UTF-16 unit.
          const sizeBytes = ITEM_BYTES + 3 * progress.message.length;
          if (entry === undefined || sizeBytes > wholeRoomBytes) continue;
          if (sizeBytes > roomBytes) {
            isLeft = true;
            return;
          }
          roomBytes -= sizeBytes;
          entry.progress = progress;
          progresses.delete(token);
        }
      };
      const sayCheckpoints = (limit: number) => {
        let count = 0;
        for (const [token, checkpoint] of checkpoints) {
          if (count >= limit) return;
          const entry = said.get(token);
          const sizeBytes = ITEM_BYTES + payloadSizeBytes(checkpoint);
          // It fits into none: it waits for fewer tokens, and must not hold up the others.
          if (entry === undefined || sizeBytes > wholeRoomBytes) continue;
          if (sizeBytes > roomBytes) {
            isLeft = true;
            isCheckpointLeft = true;
            return;
          }
          roomBytes -= sizeBytes;
          entry.checkpoint = checkpoint;
          checkpoints.delete(token);
          count += 1;
        }
      };
      const wasCheckpointFirst = isCheckpointFirst;
      if (wasCheckpointFirst) sayCheckpoints(1);
      sayProgresses();
      sayCheckpoints(Number.POSITIVE_INFINITY);
      // By turns, since one large checkpoint may leave no room for any progress.
      isCheckpointFirst = isCheckpointLeft && !wasCheckpointFirst;
      return [...said.values()];
    },
    unsay({ leaseToken, progress, checkpoint }) {
      if (progress !== undefined && !progresses.has(leaseToken)) progresses.set(leaseToken, progress);
      if (checkpoint !== undefined && !checkpoints.has(leaseToken)) checkpoints.set(leaseToken, checkpoint);
    },
  };
}
