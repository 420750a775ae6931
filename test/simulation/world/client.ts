// A client that keeps asking until it knows: with the same request id each time, as our SDKs do.

import type { Rejection, Result } from '../../../services/orchestrator/src/domain/rejection.ts';
import type { EngineCalls } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { Time } from './time.ts';

export type ClientCall =
  | 'SubmitRun'
  | 'CancelRun'
  | 'CancelTask'
  | 'SignalRun'
  | 'PauseRun'
  | 'ResumeRun'
  | 'RerunRun'
  | 'ChangeDependencies';

export interface ClientDependencies {
  readonly time: Time;
  /** Over the network. `answered` comes once at most, and so does `lost`. */
  readonly ask: <K extends ClientCall>(
    namespace: string,
    name: K,
    input: EngineCalls[K]['input'],
    answered: (reply: EngineCalls[K]['reply']) => void,
    lost: () => void,
  ) => void;
}

export interface Client {
  /** Calls back with what is certain; see isCertain. */
  call<K extends ClientCall>(
    namespace: string,
    name: K,
    input: EngineCalls[K]['input'],
    known?: (reply: EngineCalls[K]['reply']) => void,
  ): void;
  /** How many calls it does not know the outcome of. */
  open(): number;
}

const PATIENCE_MS = 5_000;
const PAUSE_MS = 500;

/** Whether it took effect is not said by these: the call is repeated. */
const UNCERTAIN: readonly Rejection['code'][] = ['COMMIT_FAILED', 'NOT_SERVING', 'LIMIT_REACHED'];

export function isCertain(reply: Result<unknown>): boolean {
  return reply.ok || !UNCERTAIN.includes(reply.rejection.code);
}

export function createClient({ time, ask }: ClientDependencies): Client {
  let open = 0;

  return {
    open: () => open,
    call(namespace, name, input, known = () => {}) {
      open += 1;
      let isKnown = false;
      const attempt = (): void => {
        let isOver = false;
        const again = (): void => {
          if (isOver || isKnown) return;
          isOver = true;
          time.after(PAUSE_MS, attempt);
        };
        time.after(PATIENCE_MS, again);
        ask(
          namespace,
          name,
          input,
          (reply) => {
            if (isKnown) return;
            if (!isCertain(reply)) {
              again();
              return;
            }
            isKnown = true;
            open -= 1;
            known(reply);
          },
          again,
        );
      };
      attempt();
    },
  };
}
