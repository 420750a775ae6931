// Gathers what an engine has to say until its driver takes it.

import type { RunEvent } from '../domain/events.ts';
import type { RunState } from '../domain/state.ts';
import type { EngineCalls, EngineCallType } from './inputs.ts';
import type { AnsweredRequest, Effect, EngineEvent, EngineOutput } from './outputs.ts';

export interface OutputBuffer {
  record(run: RunState, event: RunEvent): void;
  effect(effect: Effect): void;
  reply<K extends EngineCallType>(callId: number, reply: EngineCalls[K]['reply']): void;
  answered(request: AnsweredRequest): void;
  /** Undefined if there is nothing. */
  take(): EngineOutput | undefined;
}

export function createOutputBuffer(): OutputBuffer {
  let events: EngineEvent[] = [];
  let effects: Effect[] = [];
  let requests: AnsweredRequest[] = [];
  return {
    record(run, event) {
      events.push({ run, event });
    },
    effect(effect) {
      effects.push(effect);
    },
    reply(callId, reply) {
      effects.push({ type: 'Reply', callId, reply } as Effect);
    },
    answered(request) {
      requests.push(request);
    },
    take() {
      if (events.length === 0 && effects.length === 0 && requests.length === 0) return undefined;
      const output = { events, effects, requests };
      events = [];
      effects = [];
      requests = [];
      return output;
    },
  };
}
