// Is another orchestrator alive on this prefix? Two would both answer the same executors, each for
// sessions and leases that the other knows nothing of.
//
//  P1  One that starts asks first, and does not start if another answers. One that was killed answers
//      nothing, so that nothing stands in the way of its next start.
//  P2  Two that start at once, or meet again after NATS was split, find each other by asking again: the
//      younger one gives up, be it by the answer to its question or by the question of the older. Only
//      one that is subscribed is given way to: one that still starts may yet be refused by P1, and then
//      none would be left.

import type { NatsLink } from './connection.ts';
import type { Subjects } from './subjects.ts';

export interface PresenceOptions {
  readonly link: NatsLink;
  readonly subjects: Subjects;
  /** Unique for all time; letters, digits, `_`, `-`. */
  readonly orchestratorId: string;
  /** Unix time. */
  readonly startedAtMs: number;
  /** Where it runs, for people. */
  readonly place: string;
  readonly prefix: string;
  /** Default 2 s: how long a living orchestrator may take to answer. */
  readonly answerTimeoutMs?: number;
  /** Default 30 s. */
  readonly askIntervalMs?: number;
}

export interface Presence {
  /** Resolves, with what to tell, when another and older orchestrator turns out to be alive. */
  readonly rivalled: Promise<Error>;
  stop(): void;
}

interface Identity {
  readonly id: string;
  readonly startedAtMs: number;
  readonly place: string;
  /** Of one that answers others; not of one that asks whether it may start. */
  readonly serves: boolean;
}

const ANSWER_TIMEOUT_MS = 2_000;
const ASK_INTERVAL_MS = 30_000;
/** Of a place, as it is shown. */
const MAX_PLACE_CHARACTERS = 100;
/** What NATS answers for a subject that nobody is subscribed to. */
const NO_RESPONDERS = 503;

/** Rejects if another orchestrator is alive. From then on this one answers those that ask. */
export async function startPresence(options: PresenceOptions): Promise<Presence> {
  const { link, subjects, prefix } = options;
  const starting: Identity = {
    id: options.orchestratorId,
    startedAtMs: options.startedAtMs,
    place: options.place,
    serves: false,
  };
  const self: Identity = { ...starting, serves: true };
  const startingBytes = bytesOf(starting);
  const selfBytes = bytesOf(self);
  const rivalled = Promise.withResolvers<Error>();
  let onAnswer: (other: Identity | undefined) => void = () => {};
  const answers = link.subscribe(subjects.answersTo(self.id), (message) => {
    if (message.headers?.code === NO_RESPONDERS) return onAnswer(undefined);
    const other = identityFrom(message.data);
    if (other !== undefined && other.id !== self.id) onAnswer(other);
  });
  const ask = (bytes: Uint8Array) =>
    link.publish(subjects.orchestrators(), bytes, undefined, subjects.answersTo(self.id));

  const first = await new Promise<Identity | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS);
    onAnswer = (other) => {
      clearTimeout(timer);
      resolve(other);
    };
    ask(startingBytes);
  });
  if (first !== undefined) {
    answers.unsubscribe();
    throw rivalError(first, prefix);
  }

  const giveWayTo = (other: Identity | undefined) => {
    if (other !== undefined && isOlder(other, self)) rivalled.resolve(rivalError(other, prefix));
  };
  const questions = link.subscribe(subjects.orchestrators(), (message) => {
    if (message.reply !== undefined && message.reply !== '') link.publish(message.reply, selfBytes);
    const asker = identityFrom(message.data);
    if (asker?.serves) giveWayTo(asker);
  });
  onAnswer = giveWayTo;
  await link.flush();
  ask(selfBytes);
  const timer = setInterval(() => ask(selfBytes), options.askIntervalMs ?? ASK_INTERVAL_MS);

  return {
    rivalled: rivalled.promise,
    stop() {
      clearInterval(timer);
      questions.unsubscribe();
      answers.unsubscribe();
    },
  };
}

function isOlder(other: Identity, self: Identity): boolean {
  if (other.startedAtMs !== self.startedAtMs) return other.startedAtMs < self.startedAtMs;
  return other.id < self.id;
}

function rivalError(other: Identity, prefix: string): Error {
  return new Error(
    `Another orchestrator (${other.place.slice(0, MAX_PLACE_CHARACTERS)}) serves the subjects of '${prefix}' on ` +
      'this NATS: stop it, or give this one another prefix (--nats-prefix).',
  );
}

function bytesOf(identity: Identity): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(identity));
}

/** Undefined for what no orchestrator of this kind has said. */
function identityFrom(bytes: Uint8Array): Identity | undefined {
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof said !== 'object' || said === null) return undefined;
    const { id, startedAtMs, place, serves } = said as Record<string, unknown>;
    if (typeof id !== 'string' || typeof startedAtMs !== 'number' || typeof place !== 'string')
      return undefined;
    return { id, startedAtMs, place, serves: serves === true };
  } catch {
    return undefined;
  }
}
