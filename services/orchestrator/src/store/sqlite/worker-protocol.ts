// What the store and its two worker threads say to each other, and the worker's side of it.

import { parentPort } from 'node:worker_threads';
import { type ErrorMessage, toErrorMessage } from './errors.ts';
import {
  createPacker,
  createUnpacker,
  type Packed,
  type Packer,
  transferables,
  type Unpacker,
} from './packing.ts';

export interface WorkerRequest {
  readonly id: number;
  readonly type: string;
  readonly input: Packed;
}

export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly output: Packed }
  | { readonly id: number; readonly ok: false; readonly error: ErrorMessage };

/** The first request of all: opens what the others need. Its input is the data folder. */
export const OPEN = 'open';
/** The last one: the thread ends after it. */
export const CLOSE = 'close';

export type Handler = (input: Unpacker, output: Packer) => void;
export type Handlers = Readonly<Record<string, Handler>>;

export interface Opened {
  readonly handlers: Handlers;
  close(): void;
}

/** Answers every request in the order of arrival, until told to close. */
export function serveRequests(open: (folder: string) => Opened): void {
  const port = parentPort;
  if (port === null) throw new Error('this file is to be run as a worker thread');
  let opened: Opened | undefined;

  const handle = (request: WorkerRequest, output: Packer): void => {
    const input = createUnpacker(request.input);
    if (request.type === OPEN) {
      opened = open(input.string());
      return;
    }
    if (request.type === CLOSE) {
      opened?.close();
      port.close();
      return;
    }
    const handler = opened?.handlers[request.type];
    if (handler === undefined) throw new Error(`nothing handles ${request.type}`);
    handler(input, output);
  };

  port.on('message', (request: WorkerRequest) => {
    let reply: WorkerReply;
    try {
      const output = createPacker();
      handle(request, output);
      reply = { id: request.id, ok: true, output: output.finish() };
    } catch (error) {
      const otherwise = request.type === OPEN ? 'UNUSABLE' : 'FAILED';
      reply = { id: request.id, ok: false, error: toErrorMessage(error, otherwise, request.type) };
    }
    port.postMessage(reply, reply.ok ? transferables(reply.output) : []);
  });
}
