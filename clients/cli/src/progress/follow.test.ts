import { create } from '@bufbuild/protobuf';
import { WaitRunResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunSchema, RunState } from '@tutti/proto/tutti/v1/run_pb.ts';
import { StateReason } from '@tutti/proto/tutti/v1/state_reason_pb.ts';
import { TaskSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { afterEach, expect, test, vi } from 'vitest';
import type { CommandClient } from '../client.ts';
import { followRun } from './follow.ts';

afterEach(() => void vi.restoreAllMocks());

/** Looks at a run that stands still for so many seconds, a second at a time; answers with the notes. */
async function notesOn(ready: readonly (readonly [capability: string, reason: StateReason])[]) {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const seconds = 30;
  const client: Pick<CommandClient, 'waitRun' | 'listReadyTasks'> = {
    async waitRun() {
      nowMs += 1_000;
      const finished = nowMs > seconds * 1_000;
      const state = finished ? RunState.COMPLETED : RunState.RUNNING;
      const run = create(RunSchema, { runId: 'r1', state, tasks: { ready: ready.length } });
      return create(WaitRunResponseSchema, { finished, run });
    },
    async *listReadyTasks() {
      for (const [capability, reason] of ready) yield create(TaskSchema, { reason, spec: { capability } });
    },
  };
  const notes: string[] = [];
  const view = {
    intervalMs: 1_000,
    show() {},
    remark() {},
    end() {},
    note: (text: string) => notes.push(text),
  };
  await followRun(client as CommandClient, 'r1', view);
  return notes;
}

test('names each capability that nobody offers once', async () => {
  const { NO_EXECUTOR } = StateReason;
  const notes = await notesOn([
    ['text.stat', NO_EXECUTOR],
    ['text.stat', NO_EXECUTOR],
    ['ehco', NO_EXECUTOR],
  ]);
  expect(notes).toEqual([
    'no executor offers text.stat; what there is: tutti executors',
    'no executor offers ehco; what there is: tutti executors',
  ]);
});

test('says nothing of tasks whose executors are only busy', async () => {
  expect(await notesOn([['echo', StateReason.UNSPECIFIED]])).toEqual([]);
});
