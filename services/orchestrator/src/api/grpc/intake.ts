// How does the gRPC door count what its requests hold? See api/intake.ts. grpc-js bounds one message and the
// number of streams of a connection, but not what all of them are together, nor how long one may take.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import type { Guest, Intake } from '../intake.ts';
import { toGrpcError } from './status.ts';

/** What grpc-js hands to the first interceptor: the call itself, over its stream. */
interface OverStream {
  readonly stream: ServerHttp2Stream;
}

/** To be the first of the interceptors: only that one is handed the call itself. */
export function countCalls(intake: Intake): ServerInterceptor {
  return (method, call) => {
    const { stream } = call as unknown as OverStream;
    const refuse: Guest['refuse'] = (error) => {
      call.sendStatus(toGrpcError(error));
      // Behind the status; the client may have no more to say.
      stream.close(constants.NGHTTP2_NO_ERROR);
    };
    let whole = method.requestStream === true;
    const visit = intake.enter({
      isWhole: () => whole,
      unreadBytes: () => stream.writableLength,
      refuse,
      cut: () => stream.close(constants.NGHTTP2_CANCEL),
    });
    if (visit === undefined) {
      // Its handler must not begin: what it would read is not read.
      call.start = () => refuse(intake.tooMuch());
      return call as ServerInterceptingCall;
    }
    stream.once('close', visit.leave);
    stream.once('end', () => {
      whole = true;
    });
    // Beside the listener of grpc-js, which pauses the stream and lets it go on.
    stream.on('data', (chunk: Buffer) => {
      if (!visit.take(chunk.byteLength)) refuse(intake.tooMuch());
    });
    stream.pause();
    return call as ServerInterceptingCall;
  };
}
