// Which calls are open, and what was so when they reached their process?

import type { EngineCallType } from '../../../services/orchestrator/src/engine/inputs.ts';
import type { OpenLedger } from './ledger.ts';
import type { Observation, ProcessId } from './observation.ts';

export type Asked = Extract<Observation, { type: 'Asked' }>;
export type Replied = Extract<Observation, { type: 'Replied' }>;
export type AskedFor<K extends EngineCallType> = Extract<Asked, { name: K }>;
export type RepliedFor<K extends EngineCallType> = Extract<Replied, { name: K }>;

export interface OpenCall {
  readonly asked: Asked;
  /** The latest durable one of its namespace, as it came. */
  readonly revision: number;
  /** Of the executor that asks: the call of its latest registration that was answered by then; else 0. */
  readonly registration: number;
}

export interface Calls {
  /** Until its answer has been seen by every check. */
  get(call: number): OpenCall | undefined;
  /** Of a request id, the call that brought it first. */
  request(namespace: string, requestId: string): Asked | undefined;
}

export function createCalls(ledger: OpenLedger, latestRegistration: (asked: Asked) => number) {
  const open = new Map<number, OpenCall>();
  const requests = new Map<string, Asked>();

  return {
    get: (call: number) => open.get(call),
    request: (namespace: string, requestId: string) => requests.get(`${namespace}/${requestId}`),
    asked(asked: Asked): void {
      open.set(asked.call, {
        asked,
        revision: ledger.of(asked.namespace).events.length,
        registration: latestRegistration(asked),
      });
      const request = 'request' in asked.input ? asked.input.request : undefined;
      const key = request === undefined ? undefined : `${asked.namespace}/${request.requestId}`;
      if (key !== undefined && !requests.has(key)) requests.set(key, asked);
    },
    over(call: number): void {
      open.delete(call);
    },
    ended(process: ProcessId): void {
      for (const [call, { asked }] of open) if (asked.process === process) open.delete(call);
    },
  };
}
