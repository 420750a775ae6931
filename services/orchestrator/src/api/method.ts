// What happens around every call? Trace, readiness, validation, then the handler; refusals and
// defects become errors here and nowhere else.

import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageShape,
} from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Result } from '../domain/rejection.ts';
import type { Admission } from '../runtime/admission.ts';
import type { Orchestrator } from '../runtime/orchestrator.ts';
import type { Bounds } from './bounds.ts';
import type { Call, CallContext } from './call.ts';
import { addsWork, PREVIOUS_ATTEMPTS, sizeOf, tasksOf } from './entry.ts';
import { atBoundary, type IncidentLog, notServing, toConnectError } from './errors.ts';
import type { ApiTracing } from './tracing.ts';
import { validate } from './validate.ts';

export interface MethodDeps {
  readonly orchestrator: Pick<Orchestrator, 'serving'>;
  readonly tracing: ApiTracing;
  readonly log: IncidentLog;
  /** Names an incident: unique and unguessable. */
  readonly newIncident: () => string;
  /** Who may add work. Default: everybody. */
  readonly admission?: Pick<Admission, 'enter'>;
  readonly bounds: Pick<Bounds, 'begin' | 'ended'>;
}

export type UnaryHandler<Request, Response> = (request: Request, call: Call) => Promise<Result<Response>>;
export type StreamHandler<Request, Item> = (
  request: Request,
  call: Call,
) => Promise<Result<AsyncIterable<Item>>>;

/** Larger requests are told their first error only. */
const MAX_TASKS_FULLY_CHECKED = 1_000;

export function unary<I extends DescMessage, O extends DescMessage>(
  deps: MethodDeps,
  method: DescMethodUnary<I, O>,
  handle: UnaryHandler<MessageShape<I>, MessageShape<O>>,
): (request: MessageShape<I>, context: CallContext) => Promise<MessageShape<O>> {
  const isWork = addsWork(method.name);
  return async (request, context) => {
    const full = deps.bounds.begin(method.name, request);
    if (full !== undefined) throw toConnectError(full);
    const span = startSpan(deps, method.name, context);
    let leave = () => {};
    try {
      if (isWork) leave = enter(deps, request, context);
      admit(deps, method.input, request);
      const taken = () => {
        leave();
        leave = () => {};
      };
      const result = await handle(request, { context, traceparent: span.traceparent, taken });
      if (!result.ok) throw toConnectError(result.rejection);
      span.end();
      return result.value;
    } catch (cause) {
      throw endWith(deps, method.name, context, span, cause);
    } finally {
      leave();
      deps.bounds.ended();
    }
  };
}

/** @param handle answers with what the stream gives, in whatever form its door needs */
export function serverStream<I extends DescMessage, Item>(
  deps: MethodDeps,
  method: DescMethodServerStreaming<I>,
  handle: StreamHandler<MessageShape<I>, Item>,
): (request: MessageShape<I>, context: CallContext) => AsyncIterable<Item> {
  return async function* stream(request, context) {
    const full = deps.bounds.begin(method.name, request);
    if (full !== undefined) throw toConnectError(full);
    const span = startSpan(deps, method.name, context);
    try {
      admit(deps, method.input, request);
      const result = await handle(request, { context, traceparent: span.traceparent, taken: () => {} });
      if (!result.ok) throw toConnectError(result.rejection);
      yield* result.value;
      // A stream that ended because it was told to has not come to its end.
      context.signal.throwIfAborted();
      span.end();
    } catch (cause) {
      throw endWith(deps, method.name, context, span, cause);
    } finally {
      deps.bounds.ended();
    }
  };
}

type Span = ReturnType<ApiTracing['serverCall']>;

function startSpan(deps: MethodDeps, name: string, context: CallContext): Span {
  return deps.tracing.serverCall(name, context.requestHeader.get('traceparent') ?? undefined);
}

/** Gives what to call once the request is answered. */
function enter({ orchestrator, admission }: MethodDeps, request: object, context: CallContext): () => void {
  if (admission === undefined || !orchestrator.serving()) return () => {};
  const entered = admission.enter(
    sizeOf(context),
    tasksOf(request),
    context.requestHeader.get(PREVIOUS_ATTEMPTS) !== null,
  );
  if (typeof entered === 'function') return entered;
  throw toConnectError(entered);
}

function admit<I extends DescMessage>(deps: MethodDeps, schema: I, request: MessageShape<I>): void {
  if (!deps.orchestrator.serving()) throw notServing();
  const invalid = validate(schema, request, isSmall(request));
  if (invalid !== undefined) throw invalid;
}

interface Specified {
  readonly spec?: { readonly tasks: readonly unknown[] };
}

function isSmall(request: object): boolean {
  if ('runs' in request) return false;
  if ('tasks' in request) return (request.tasks as readonly unknown[]).length <= MAX_TASKS_FULLY_CHECKED;
  const whole = request as { run?: Specified; workflow?: Specified };
  const run = whole.run ?? whole.workflow;
  return (run?.spec?.tasks.length ?? 0) <= MAX_TASKS_FULLY_CHECKED;
}

function endWith(deps: MethodDeps, name: string, context: CallContext, span: Span, cause: unknown): Error {
  // The door says why it aborted; that is the answer, and no defect.
  const aborted = cause === context.signal.reason && context.signal.aborted;
  const told = aborted
    ? canceled(cause)
    : atBoundary(cause, name, span.traceparent, deps.log, deps.newIncident);
  span.end(told);
  return told;
}

function canceled(reason: unknown): ConnectError {
  return reason instanceof ConnectError ? reason : new ConnectError('The call was cancelled.', Code.Canceled);
}
