// What can come of something that is sent to a door, whichever it is?

export interface Answer {
  /** `closed`: the other side ended the connection; `none`: it said nothing for as long as was waited. */
  readonly kind: 'accepted' | 'refused' | 'closed' | 'none';
  /** As gRPC names it. */
  readonly code?: string;
  readonly reason?: string;
  readonly fields?: readonly string[];
  readonly text?: string;
  /** Of HTTP. */
  readonly status?: number;
  /** Of reports over NATS. */
  readonly statuses?: readonly string[];
}

/** Reasons are not owed where the one who asks has set the end, or where the answer is of no call. */
const WITHOUT_REASON = ['CANCELLED', 'DEADLINE_EXCEEDED'];

/** Why the answer is none that a door may give, or undefined. */
export function faultOf(answer: Answer): string | undefined {
  const told = JSON.stringify(answer).slice(0, 500);
  if (answer.kind === 'none') return `no answer: ${told}`;
  if (answer.kind !== 'refused') return undefined;
  // Of the protocol itself: there was no call yet that could have had a reason.
  if (answer.code === undefined && answer.status !== undefined) {
    return answer.status === 500 ? `a defect: ${told}` : undefined;
  }
  if (['INTERNAL', 'UNKNOWN', 'DATA_LOSS'].includes(answer.code ?? '')) return `a defect: ${told}`;
  if (answer.reason === 'INTERNAL') return `a defect: ${told}`;
  if (WITHOUT_REASON.includes(answer.code ?? '')) return undefined;
  if ((answer.reason ?? '') === '') return `no reason: ${told}`;
  return (answer.text ?? '') === '' ? `no text: ${told}` : undefined;
}
