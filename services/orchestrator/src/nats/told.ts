// Which refusals does anybody hear of besides the one who is refused? All of them, by kind and reason: who
// watches over an installation sees a flood, a replay or an executor of another age in them.

import { ErrorReasonSchema } from '@tutti/proto/tutti/v1/error_reason_pb.ts';
import type { ProtocolError } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import type { RequestKind } from './subjects.ts';

/** @param reason of ErrorReason; of a report STALE or UNKNOWN, too; NO_REPLY_SUBJECT: it was ignored */
export type Refused = (kind: RequestKind, reason: string) => void;

/** A way to refuse that is told of. */
export function toldOf(
  { refused }: { readonly refused: Refused },
  kind: RequestKind,
  encode: (error: ProtocolError) => Uint8Array,
): (error: ProtocolError) => Uint8Array {
  return (error) => {
    refused(kind, ErrorReasonSchema.value[error.reason]?.localName ?? '');
    return encode(error);
  };
}
