// Who watches? A process of its own with many streams, each of one run from its first event to its last. It reads
// what comes and does not decode it: what is asked is what watching costs the orchestrator.

import { create, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientReadableStream, credentials } from '@grpc/grpc-js';
import { OrchestratorService, WatchRequestSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';

export interface StreamsOrder {
  readonly address: string;
  /** One stream for each; the same one may come several times. */
  readonly runIds: readonly string[];
}

export type StreamsNews =
  /** Each stream has had its first message. */
  | { readonly type: 'WATCHING' }
  /** Each stream has come to its end. */
  | { readonly type: 'ENDED'; readonly messages: number; readonly bytes: number }
  | { readonly type: 'FAILED'; readonly message: string };

/** As clients are, several to a connection, but not all on one. */
const STREAMS_OF_A_CONNECTION = 50;

const { watch } = OrchestratorService.method;

process.on('message', ({ address, runIds }: StreamsOrder) => {
  const clients: Client[] = [];
  let waiting = runIds.length;
  let open = runIds.length;
  let messages = 0;
  let bytes = 0;
  runIds.forEach((runId, index) => {
    if (index % STREAMS_OF_A_CONNECTION === 0) clients.push(connect(address));
    const stream = openStream(clients.at(-1) as Client, runId);
    let isFirst = true;
    stream.on('data', (message: Buffer) => {
      messages += 1;
      bytes += message.length;
      if (!isFirst) return;
      isFirst = false;
      waiting -= 1;
      if (waiting === 0) tell({ type: 'WATCHING' });
    });
    stream.on('error', ({ message }) =>
      tell({ type: 'FAILED', message: `the stream of ${runId}: ${message}` }),
    );
    stream.on('end', () => {
      open -= 1;
      if (open > 0) return;
      for (const client of clients) client.close();
      tell({ type: 'ENDED', messages, bytes });
    });
  });
});

process.on('disconnect', () => process.exit());

function connect(address: string): Client {
  return new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
}

function openStream(client: Client, runId: string): ClientReadableStream<Buffer> {
  return client.makeServerStreamRequest(
    `/${watch.parent.typeName}/${watch.name}`,
    (request: Uint8Array) => Buffer.from(request),
    (message) => message,
    toBinary(WatchRequestSchema, create(WatchRequestSchema, { runId, afterRevision: 0n })),
  );
}

function tell(news: StreamsNews): void {
  process.send?.(news);
}
