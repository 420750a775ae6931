// What stands behind the doors while they are ill-treated? A real stack: an orchestrator with its
// nats-server, honest executors who hold leases worth stealing, and a canary, a client and an executor of
// a namespace of their own, whose runs must go on all the while.

import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { TaskState } from '@tutti/proto/tutti/v1/task_pb.ts';
import { connectPeer } from '../support/nats-peer.ts';
import { createRpc, type Rpc } from '../support/rpc.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { type Canary, startCanary } from './canary.ts';
import { openRawGrpc, type RawGrpc } from './doors/grpc.ts';
import { openRawNats, type RawNats } from './doors/nats.ts';
import { type Watchdog, watchProcess } from './watchdog.ts';

export interface Scene extends AsyncDisposable {
  readonly stack: Stack;
  readonly rpc: Rpc;
  readonly grpc: RawGrpc;
  readonly nats: RawNats;
  /** host:port of the HTTP door. */
  readonly http: string;
  readonly canary: Canary;
  readonly watchdog: Watchdog;
  /** What entries of the corpus may speak of, such as `anna.token`. */
  readonly values: Readonly<Record<string, string>>;
}

export interface SceneOptions {
  /** Of the orchestrator's heap, in MiB: with more it dies, so what grows without bound shows. */
  readonly heapMiB: number;
}

const { submitRun, cancelTask, waitRun, getTask } = OrchestratorService.method;
/** Nobody loses a lease by silence while a test lasts. */
const LEASE_MS = '600000';

export async function setScene({ heapMiB }: SceneOptions): Promise<Scene> {
  const lines: string[] = [];
  const stack = await startStack({
    executors: 0,
    orchestratorArgs: ['--lease-duration-ms', LEASE_MS],
    env: { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` },
    log: (line) => lines.push(line),
  });
  await stack.startExecutor('canary', { TUTTI_NAMESPACE: 'canary' });
  const rpc = createRpc(stack.addresses.grpc);
  const values = await giveLeases(stack, rpc);
  const grpc = openRawGrpc(stack.addresses.grpc);
  const nats = await openRawNats(stack.addresses.nats);
  const dog = watchProcess(stack, lines);
  const canary = startCanary(stack.addresses.grpc);
  return {
    stack,
    rpc,
    grpc,
    nats,
    http: stack.addresses.http.replace('http://', ''),
    canary,
    watchdog: dog,
    values,
    async [Symbol.asyncDispose]() {
      // Where it has died of what it was sent, that is the news, and not how the rest of it ends.
      await canary.stop().catch(() => {});
      await nats.close().catch(() => {});
      rpc.close();
      await stack.stop().catch((error: unknown) => {
        if (dog.problem() === undefined) throw error;
      });
    },
  };
}

/** Anna and Bob each hold an attempt; another one of Anna's was withdrawn. */
async function giveLeases(stack: Stack, rpc: Rpc): Promise<Record<string, string>> {
  const peer = await connectPeer(stack.addresses.nats);
  const values: Record<string, string> = {};
  const tokenOf = async (name: string, runId: string): Promise<string> => {
    const assigned = peer.assignments(`${name}.work`, name);
    const tasks = [{ key: name, capability: `${name}.work`, cancelGrace: { seconds: 0n } }];
    await rpc.call(submitRun, { run: { runId, spec: { tasks } } });
    const { value } = await assigned.next();
    return value?.leaseToken ?? '';
  };
  for (const name of ['anna', 'bob']) {
    const registration = { executorId: name, slots: 4, capabilities: [{ name: `${name}.work` }] };
    const { result } = await peer.request('register', registration);
    if (result.case !== 'registration') throw new Error(`${name} was refused: ${result.value?.message}`);
    values[`${name}.session`] = result.value.session;
    values[`${name}.otherSession`] = nearly(result.value.session);
  }
  values.stale = await tokenOf('anna', 'before');
  await rpc.call(cancelTask, { runId: 'before', taskKey: 'anna' });
  await rpc.call(waitRun, { runId: 'before' });
  for (const name of ['anna', 'bob']) {
    const token = await tokenOf(name, `held-${name}`);
    values[`${name}.token`] = token;
    values[`${name}.cut`] = token.slice(0, -1);
    values[`${name}.other`] = nearly(token);
    const { task } = await rpc.call(getTask, { runId: `held-${name}`, taskKey: name });
    if (task?.state !== TaskState.RUNNING) throw new Error(`${name} holds nothing`);
  }
  await peer[Symbol.asyncDispose]();
  return values;
}

/** Differs from it in its first character, whichever that is. */
function nearly(text: string): string {
  return `${text.startsWith('X') ? 'Y' : 'X'}${text.slice(1)}`;
}
