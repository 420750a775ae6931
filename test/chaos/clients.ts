// Who submits, and who looks after what was submitted? Clients that work one run after the other, each
// with its own notes of what it was told.
//
// A patient client repeats a call, with the same request id, until it is answered. A hasty one tries once; what it
// had asked for may have come to be or not. It leaves it at that, or asks again later, with the same request id.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  createClient,
  type RunInput,
  RunState,
  TuttiError,
  toRunSpec,
} from '@tutti/client/client';
import type { Random } from '../simulation/world/random.ts';
import type { CallNote, ClientNotes, SubmissionNote } from './notes.ts';
import { passes } from './passes.ts';
import { drawKind, drawShape, type Shape } from './shapes.ts';

export interface Clients {
  readonly notes: ClientNotes;
  /** How many calls of patient clients failed in spite of the SDK's own repeats, by code. */
  readonly failures: ReadonlyMap<string, number>;
  /** Nothing more is submitted. Resolves once every client has seen the end of its run. */
  finish(): Promise<void>;
  /** At once. */
  dispose(): void;
}

export interface ClientsOptions {
  readonly address: string;
  readonly random: Random;
  /** Of those that wait for the end of their run. */
  readonly count: number;
  /** Which kinds of runs come one after another at first; then any, by chance. */
  readonly first: readonly string[];
}

const HASTY_SHARE = 0.1;
/** Between two submissions of the one that does nothing else: something is on its way at every moment. */
const HASTE_MS = 30;
const REPEAT_MS = 150;

export function startClients({ address, random, count, first }: ClientsOptions): Clients {
  const notes: ClientNotes = { submissions: [], calls: [], ends: [], refusals: [] };
  const failures = new Map<string, number>();
  const gone = new AbortController();
  const kinds = [...first];
  let finishing = false;
  const client = createClient({ address, timeoutMs: 10_000 });
  const hasty = createClient({ address, timeoutMs: 2_000, retry: { maxAttempts: 1 } });

  const countFailure = (thrown: unknown): TuttiError => {
    const error = toTuttiError(thrown);
    failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
    return error;
  };

  /** Whether it is one: no repeat would help. */
  const noteRefusal = (what: string, error: TuttiError): boolean => {
    if (passes(error)) return false;
    notes.refusals.push(`${what}: ${error.code} ${error.reason} ${error.message}`);
    return true;
  };

  /** Undefined: refused, and no repeat would help. */
  async function untilAnswered<T>(
    what: string,
    call: () => Promise<T>,
    allowed = '',
  ): Promise<T | undefined> {
    for (;;) {
      gone.signal.throwIfAborted();
      try {
        return await call();
      } catch (thrown) {
        gone.signal.throwIfAborted();
        if (allowed !== '' && thrown instanceof TuttiError && thrown.reason === allowed) return undefined;
        if (noteRefusal(what, countFailure(thrown))) return undefined;
        await delay(REPEAT_MS, undefined, { signal: gone.signal });
      }
    }
  }

  async function submit(
    shape: Shape,
    kind: string,
    draw: Random,
    isHasty: boolean,
  ): Promise<string | undefined> {
    const requestId = randomUUID();
    const note: SubmissionNote = { requestId, kind, runId: undefined, end: shape.end, output: shape.output };
    notes.submissions.push(note);
    const spec = toRunSpec(shape.spec as RunInput);
    spec.labels['request'] = requestId;
    const options = { requestId, ...(draw.chance(0.5) && { runId: `${kind}-${requestId}` }) };
    if (isHasty) {
      note.runId = await hasty.submit(spec, options).then(
        ({ runId }) => runId,
        (error: unknown) => void noteRefusal(`submit ${kind}`, toTuttiError(error)),
      );
      if (note.runId !== undefined || draw.chance(0.5)) return note.runId;
      await delay(draw.below(2_000), undefined, { signal: gone.signal });
    }
    note.runId = await untilAnswered(
      `submit ${kind}`,
      async () => (await client.submit(spec, options)).runId,
    );
    return note.runId;
  }

  async function attend(runId: string, { attention }: Shape, draw: Random): Promise<void> {
    const requestId = randomUUID();
    const say = async (call: CallNote['call'], act: () => Promise<unknown>, allowed = '') => {
      const answer = await untilAnswered(`${call} ${runId}`, async () => [await act()], allowed);
      if (answer !== undefined) notes.calls.push({ call, runId, mark: call === 'resume' ? '' : requestId });
    };
    if (attention === 'none') return;
    await delay(draw.below(600), undefined, { signal: gone.signal });
    switch (attention) {
      case 'signal':
        return say('signal', () => client.signalRun(runId, 'go', { mark: requestId }, { requestId }));
      case 'cancel':
        return say('cancel', () => client.cancelRun(runId, { message: requestId, requestId }));
      case 'pause': {
        await say('pause', () => client.pauseRun(runId, { message: requestId, requestId }), 'ALREADY_FINAL');
        await delay(draw.below(1_000), undefined, { signal: gone.signal });
        const resumeId = randomUUID();
        return say('resume', () => client.resumeRun(runId, { requestId: resumeId }), 'ALREADY_FINAL');
      }
    }
  }

  async function work(draw: Random): Promise<void> {
    while (!finishing) {
      const kind = kinds.shift() ?? drawKind(draw);
      const shape = drawShape(kind, draw);
      const isHasty = shape.attention === 'none' && draw.chance(HASTY_SHARE);
      const runId = await submit(shape, kind, draw, isHasty);
      if (runId === undefined) continue;
      await attend(runId, shape, draw);
      await seeTheEnd(runId);
    }
  }

  async function seeTheEnd(runId: string): Promise<void> {
    const { signal } = gone;
    try {
      const { run } = await client.run(runId).wait({ signal, giveUpAfterMs: 120_000 });
      notes.ends.push({ runId, state: nameOf(run.state) });
    } catch (error) {
      signal.throwIfAborted();
      const { code, reason, message } = countFailure(error);
      notes.refusals.push(`wait for ${runId}: ${code} ${reason} ${message}`);
    }
  }

  async function hurry(draw: Random): Promise<void> {
    while (!finishing) {
      await submit(drawShape('single', draw), 'single', draw, true);
      await delay(HASTE_MS, undefined, { signal: gone.signal });
    }
  }

  const working = Promise.all([
    hurry(random.fork('hasty client')),
    ...Array.from({ length: count }, (_, index) => work(random.fork(`client ${index}`))),
  ]);
  working.catch(() => {});
  return {
    notes,
    failures,
    async finish() {
      finishing = true;
      await working;
    },
    dispose() {
      gone.abort(new Error('the chaos is over'));
      for (const one of [client, hasty] satisfies Client[]) void one.close();
    },
  };
}

function toTuttiError(error: unknown): TuttiError {
  if (error instanceof TuttiError) return error;
  throw error;
}

function nameOf(state: RunState): string {
  return Object.entries(RunState).find(([, value]) => value === state)?.[0] ?? String(state);
}
