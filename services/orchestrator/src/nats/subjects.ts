// How are the subjects of the executor protocol built and read?
//
// A token that could change a subject's meaning (a wildcard, a separator, a control character) never
// gets into one: neither from an id that came in, nor from a configured prefix.

/** `tutti.v1`; several installations can share one NATS by different prefixes. */
export const DEFAULT_PREFIX = 'tutti.v1';

export type RequestKind = 'register' | 'heartbeat' | 'report' | 'addition' | 'putPayload' | 'getPayload';

export interface RequestSubject {
  readonly namespace: string;
  readonly kind: RequestKind;
}

export interface Subjects {
  /** What to subscribe to for the requests of one kind, of all namespaces. */
  requests(kind: RequestKind): string;
  /** Undefined if it is no subject of a request, or its namespace breaks the rules. */
  parseRequest(subject: string): RequestSubject | undefined;
  tasks(namespace: string, capability: string, executorId: string): string;
  events(namespace: string, runId: string): string;
  /** Where the executors of a namespace are told to look around. */
  rollCall(namespace: string): string;
  /** Where orchestrators ask each other who is there. No namespace can be named so. */
  orchestrators(): string;
  /** Where one of them is answered. */
  answersTo(orchestratorId: string): string;
}

const TOKEN = /^[A-Za-z0-9_-]+$/;
/** Ids of child runs have `~` between their parts. */
const RUN_ID = /^[A-Za-z0-9_~-]+$/;
const DOTTED = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
/** As the rule of every `namespace` field in the proto, but not empty. */
const NAMESPACE = /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

const SUFFIXES: Readonly<Record<RequestKind, string>> = {
  register: 'executors.register',
  heartbeat: 'executors.heartbeat',
  report: 'reports',
  addition: 'additions',
  putPayload: 'payloads.put',
  getPayload: 'payloads.get',
};

/** Throws where a part of a subject breaks the rules: ids are checked at the doors, so that is a bug. */
export function createSubjects(prefix: string): Subjects {
  if (!DOTTED.test(prefix)) {
    throw new Error(
      `The subject prefix '${prefix}' cannot be used: tokens of letters, digits, '_' and '-', joined by single dots.`,
    );
  }
  const kinds = new Map(Object.entries(SUFFIXES).map(([kind, suffix]) => [suffix, kind as RequestKind]));
  return {
    requests: (kind) => `${prefix}.*.${SUFFIXES[kind]}`,
    parseRequest(subject) {
      if (!subject.startsWith(`${prefix}.`)) return undefined;
      const rest = subject.slice(prefix.length + 1);
      const dot = rest.indexOf('.');
      const namespace = rest.slice(0, Math.max(dot, 0));
      const kind = kinds.get(rest.slice(dot + 1));
      if (kind === undefined || !NAMESPACE.test(namespace)) return undefined;
      return { namespace, kind };
    },
    tasks: (namespace, capability, executorId) =>
      `${prefix}.${checked(NAMESPACE, namespace)}.tasks.${checked(DOTTED, capability)}.${checked(TOKEN, executorId)}`,
    events: (namespace, runId) =>
      `${prefix}.${checked(NAMESPACE, namespace)}.events.${checked(RUN_ID, runId)}`,
    rollCall: (namespace) => `${prefix}.${checked(NAMESPACE, namespace)}.executors.rollcall`,
    orchestrators: () => `${prefix}._orchestrator`,
    answersTo: (orchestratorId) => `${prefix}._orchestrator.${checked(TOKEN, orchestratorId)}`,
  };
}

function checked(rule: RegExp, text: string): string {
  if (rule.test(text)) return text;
  throw new Error(`${JSON.stringify(text.slice(0, 200))} cannot stand in a subject`);
}
