// Payloads, uploaded in two parts each (S8).

import { createHash } from 'node:crypto';
import type { Store } from '../../../services/orchestrator/src/store/port.ts';
import { contentOf, expectSame, type Lane, Torn } from './lane.ts';

const NAMESPACE = 'payloads';
const SIZES_BYTES = [10, 700, 5_000, 13_000];

function payloadOf(step: number) {
  const content = contentOf(`payload ${step}`, SIZES_BYTES[step % SIZES_BYTES.length] ?? 0);
  return { content, sha256: createHash('sha256').update(content).digest('hex') };
}

async function step(store: Store, number: number): Promise<void> {
  const { content, sha256 } = payloadOf(number);
  const half = content.length >> 1;
  const common = {
    namespace: NAMESPACE,
    uploadId: `upload-${number}`,
    sha256,
    sizeBytes: content.length,
    atMs: 1,
  };
  await store.putPayload({ ...common, offset: 0, bytes: content.slice(0, half) });
  const end = await store.putPayload({ ...common, offset: half, bytes: content.slice(half) });
  // Where the first part was stored by somebody, the payload was.
  if (end.type !== 'STORED') throw new Error(`payload ${number} was answered with ${end.type}`);
}

async function read(store: Store, sha256: string, sizeBytes: number): Promise<Buffer> {
  const content = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; ) {
    const slice = await store.readPayload(NAMESPACE, sha256, at, sizeBytes);
    if (slice === undefined) throw new Torn(`of payload ${sha256} there are ${at} of ${sizeBytes} bytes`);
    content.set(slice.bytes, at);
    at += slice.bytes.length;
  }
  return content;
}

async function recover(store: Store): Promise<number> {
  for (let number = 0; ; number += 1) {
    const { content, sha256 } = payloadOf(number);
    const found = (await store.findPayloads(NAMESPACE, [sha256])).get(sha256);
    if (found === undefined) {
      const next = payloadOf(number + 1).sha256;
      if ((await store.findPayloads(NAMESPACE, [next])).size > 0)
        throw new Torn(`payload ${number} is missing`);
      return number;
    }
    expectSame(`payload ${number}`, await read(store, sha256, found.sizeBytes), Buffer.from(content));
  }
}

export function createPayloads(): Lane {
  return { name: NAMESPACE, begin: () => Promise.resolve(0), step, recover };
}
