// What happened in a simulation, a line for each observation. The same seed gives the same lines, byte for byte.

import { fromBinary, toJson } from '@bufbuild/protobuf';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import type { Graph } from '../../services/orchestrator/src/domain/graph.ts';
import type { Observation } from './invariants/observation.ts';
import { BEGINNING_MS } from './world/time.ts';

/** Milliseconds since the beginning, what happened, and all that was seen of it. */
export function traceLine(observation: Observation): string {
  const { atMs, type, ...rest } = observation;
  return `${atMs - BEGINNING_MS} ${type} ${JSON.stringify(rest, readable)}`;
}

/** Of a graph its keys, of an event its JSON, of other bytes their text. */
function readable(name: string, value: unknown): unknown {
  if (name === 'graph') return isGraph(value) ? value.spec.tasks.map(({ key }) => key) : value;
  if (name === 'events') return (value as readonly unknown[]).map(readableEvent);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  // What Buffer makes of itself before this function sees it.
  if (isBufferJson(value)) return Buffer.from(value.data).toString('latin1');
  return typeof value === 'bigint' ? value.toString() : value;
}

function readableEvent(event: unknown): unknown {
  const payload = event instanceof Uint8Array ? event : (event as { readonly payload: Uint8Array }).payload;
  return toJson(EventSchema, fromBinary(EventSchema, payload));
}

function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && 'spec' in value;
}

function isBufferJson(value: unknown): value is { readonly type: 'Buffer'; readonly data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}
