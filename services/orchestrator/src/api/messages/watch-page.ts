// How does a page of stored events become an answer of Watch?
//
// Stored events are answers already, byte for byte: where the reader wants bytes, none is decoded.

import { create, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { EventSchema } from '@tutti/proto/tutti/v1/event_pb.ts';
import { type WatchResponse, WatchResponseSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import type { WatchPage } from '../../runtime/orchestrator.ts';
import { eventInForm, type PayloadForm } from '../../wire/payload-form.ts';

/**
 * Of the events of one answer, unless one alone is larger. A list of small numbers grows about
 * sevenfold in the form VALUE and must still stay below the 4 MiB that clients accept by default.
 */
const PART_BYTES = 512 * 1024;
/** Tag and length of one event, at most. */
const EVENT_OVERHEAD_BYTES = 6;

const EVENTS = (1 << 3) | 2;
const REVISION = 2 << 3;

export function toWatchResponse(page: WatchPage, form: PayloadForm): WatchResponse {
  return create(WatchResponseSchema, {
    events: page.events.map((event) => eventInForm(fromBinary(EventSchema, event), form)),
    revision: BigInt(page.revision),
  });
}

/** The binary form of toWatchResponse in the form BYTES. */
export function encodeWatchResponse(page: WatchPage): Uint8Array {
  const writer = new BinaryWriter();
  for (const event of page.events) writer.uint32(EVENTS).bytes(event);
  if (page.revision !== 0) writer.uint32(REVISION).uint64(BigInt(page.revision));
  return writer.finish();
}

/** The page in parts of bounded size; each says up to where it leads. */
export function* splitPage(page: WatchPage): Generator<WatchPage> {
  let part: Uint8Array[] = [];
  let bytes = 0;
  for (const event of page.events) {
    const size = event.byteLength + EVENT_OVERHEAD_BYTES;
    if (bytes + size > PART_BYTES && part.length > 0) {
      yield { events: part, revision: revisionOf(part.at(-1)) };
      part = [];
      bytes = 0;
    }
    part.push(event);
    bytes += size;
  }
  yield { events: part, revision: page.revision };
}

/** Of tutti.v1.Event; it is its first field. */
function revisionOf(event: Uint8Array | undefined): number {
  if (event === undefined) throw new Error('an empty part has no revision');
  const reader = new BinaryReader(event);
  const [field] = reader.tag();
  if (field !== 1) throw new Error('a stored event does not begin with its revision');
  return Number(reader.uint64());
}
