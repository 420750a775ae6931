// Does honest work go on? One small run after the other, each submitted, executed and waited for.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { RunState, RunStateSchema } from '@tutti/proto/tutti/v1/run_pb.ts';
import { createRpc } from '../support/rpc.ts';

export interface Canary {
  readonly completed: number;
  /** The longest that one has taken. */
  readonly slowestMs: number;
  /** Since the one under way began. */
  readonly silentMs: number;
  /** Set at the first one that did not complete; none follows then. */
  readonly problem: string | undefined;
  /** Resolves after one more that began from now on; rejects with the problem. */
  next(): Promise<void>;
  stop(): Promise<void>;
}

const { submitRun, waitRun } = OrchestratorService.method;
const PAUSE_MS = 20;

/** @param address of the gRPC door, host:port */
export function startCanary(address: string): Canary {
  const rpc = createRpc(address);
  const asked: { readonly from: number; readonly settle: (problem?: Error) => void }[] = [];
  let stopped = false;
  let begun = 0;
  let completed = 0;
  let slowestMs = 0;
  let startedAtMs = performance.now();
  let problem: string | undefined;

  async function sing(): Promise<void> {
    const input = { data: { case: 'bytes' as const, value: Buffer.from(`{"n":${begun}}`) } };
    const spec = { tasks: [{ key: 'a', capability: 'echo', input }] };
    const { runId } = await rpc.call(submitRun, { namespace: 'canary', run: { spec } });
    const { run } = await rpc.call(waitRun, { namespace: 'canary', runId });
    if (run?.state !== RunState.COMPLETED)
      throw new Error(`run ${runId} is ${RunStateSchema.value[run?.state ?? 0]?.localName}`);
  }

  async function loop(): Promise<void> {
    while (!stopped && problem === undefined) {
      begun += 1;
      startedAtMs = performance.now();
      try {
        await sing();
        completed += 1;
      } catch (error) {
        if (!stopped) problem = `the canary's run ${begun} failed: ${String(error)}`;
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedAtMs);
      tell();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    tell();
  }

  function tell(): void {
    const failed =
      problem === undefined && !stopped ? undefined : new Error(problem ?? 'the canary was stopped');
    for (const one of asked.splice(0)) {
      if (failed !== undefined || begun > one.from) one.settle(failed);
      else asked.push(one);
    }
  }

  const singing = loop();
  return {
    get completed() {
      return completed;
    },
    get slowestMs() {
      return slowestMs;
    },
    get silentMs() {
      return performance.now() - startedAtMs;
    },
    get problem() {
      return problem;
    },
    next() {
      if (problem !== undefined) return Promise.reject(new Error(problem));
      return new Promise((resolve, reject) => {
        asked.push({ from: begun, settle: (failed) => (failed === undefined ? resolve() : reject(failed)) });
      });
    },
    async stop() {
      stopped = true;
      rpc.close();
      await singing;
    },
  };
}
