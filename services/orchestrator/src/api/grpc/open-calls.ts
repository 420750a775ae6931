// Which calls have to be told when the door closes? Those that look at their signal: they may take
// long. All others end by themselves.

import { Code, ConnectError } from '@connectrpc/connect';
import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';
import type { CallContext } from '../call.ts';
import { createQuiet } from '../quiet.ts';

export interface OpenCalls {
  /** Costs nothing until the signal is looked at. */
  contextOf(call: ServerSurfaceCall, cut?: (error: ConnectError) => void, sizeBytes?: number): CallContext;
  /** Resolves once none of those that look at their signal is open, or `enough` is aborted. */
  quiet(enough: AbortSignal): Promise<void>;
  /** Aborts every call, those to come too. */
  abortAll(reason: ConnectError): void;
}

/** One for all: every call comes to it, and making an error costs more than the rest of its end. */
const CANCELED = new ConnectError('The call was cancelled or its deadline passed.', Code.Canceled);

export function createOpenCalls(): OpenCalls {
  const open = new Set<AbortController>();
  const quiet = createQuiet(() => open.size);
  let closing: ConnectError | undefined;

  function signalOf(call: ServerSurfaceCall): AbortSignal {
    const controller = new AbortController();
    if (closing !== undefined) controller.abort(closing);
    else if (call.cancelled) controller.abort(CANCELED);
    else {
      open.add(controller);
      // grpc-js says so at the end of every call, however it ended.
      call.once('cancelled', () => {
        open.delete(controller);
        quiet.ended();
        controller.abort(CANCELED);
      });
    }
    return controller.signal;
  }

  return {
    contextOf(call, cut, sizeBytes) {
      let signal: AbortSignal | undefined;
      return {
        get signal() {
          signal ??= signalOf(call);
          return signal;
        },
        requestHeader: {
          get(name) {
            const [value] = call.metadata.get(name);
            return typeof value === 'string' ? value : null;
          },
        },
        cut,
        sizeBytes,
      };
    },

    quiet: quiet.wait,

    abortAll(reason) {
      closing = reason;
      for (const controller of open) controller.abort(reason);
      open.clear();
    },
  };
}
