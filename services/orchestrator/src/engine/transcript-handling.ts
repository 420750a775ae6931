// How transcripts write what a task makes of failures and results:
//
//   rules=BUSY:RETRY@70,HTTP_4*:FAIL,NONE:COMPLETE@0,:FALL_BACK   by error code; no code: any
//   fallback=CAPABILITY  undo=CAPABILITY
//   guard=check:result.n==1;ask:CAPABILITY                        in their order

import {
  type Compensation,
  DEFAULT_RETRY,
  type ErrorRule,
  type Guardrail,
  type Handling,
  NO_TIMEOUTS,
  PLAIN_HANDLING,
} from '../domain/spec.ts';

type Named = Readonly<Record<string, string | undefined>>;

export function parseHandling({ rules, fallback, guard, undo }: Named): Handling {
  if ((rules ?? fallback ?? guard ?? undo) === undefined) return PLAIN_HANDLING;
  return {
    errorRules: (rules?.split(',') ?? []).map(parseRule),
    fallback: fallback ?? '',
    guardrails: (guard?.split(';') ?? []).map(parseGuardrail),
    compensation: undo === undefined ? undefined : undoBy(undo),
  };
}

function parseRule(text: string): ErrorRule {
  const [code = '', action = ''] = text.split(':');
  return { codes: code === '' ? [] : [code], action: parseAction(action) };
}

function parseAction(text: string): ErrorRule['action'] {
  const [type = '', value] = text.split('@');
  switch (type) {
    case 'RETRY':
      return { type, delayMs: value === undefined ? undefined : Number(value) };
    case 'FAIL':
    case 'FALL_BACK':
      return { type };
    case 'COMPLETE':
      return { type, result: { bytes: new TextEncoder().encode(value ?? 'null'), contentType: '' } };
    default:
      throw new Error(`transcript: unknown action ${text}`);
  }
}

function parseGuardrail(text: string): Guardrail {
  const place = text.indexOf(':');
  const value = text.slice(place + 1);
  const isAsked = text.slice(0, place) === 'ask';
  const check = isAsked
    ? ({ type: 'CAPABILITY', capability: value } as const)
    : ({ type: 'EXPRESSION', text: value } as const);
  return { check, message: '' };
}

function undoBy(capability: string): Compensation {
  return { capability, inputExpression: '', retry: DEFAULT_RETRY, timeouts: NO_TIMEOUTS };
}
