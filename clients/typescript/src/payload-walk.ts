// Which payloads does a message hold, in whatever field?

import type { Payload, PayloadRef } from '@tutti/proto/tutti/v1/payload_pb.ts';

/** Told of every payload in a message, in a list or map of messages, or that is the message. */
export function eachPayload(value: unknown, visit: (payload: Payload) => void): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (Array.isArray(value)) {
    for (const item of value) eachPayload(item, visit);
    return;
  }
  const type = (value as { readonly $typeName?: unknown }).$typeName;
  if (type === 'tutti.v1.Payload') {
    visit(value as Payload);
    return;
  }
  // Times, durations, structured values: they hold none.
  if (typeof type === 'string' && type.startsWith('google.')) return;
  for (const key in value) eachPayload((value as Record<string, unknown>)[key], visit);
}

/** A payload that is stored apart. */
export type StoredApart = Payload & { readonly data: { readonly case: 'ref'; readonly value: PayloadRef } };

export function isStoredApart(payload: Payload | undefined): payload is StoredApart {
  return payload?.data.case === 'ref';
}
