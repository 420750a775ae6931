// A stream that lives for weeks costs no memory for what it has sent.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { expect, test } from 'vitest';
import { bindService, type ServiceMethods } from './binding.ts';
import { createOpenCalls } from './open-calls.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapBytes = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};

const refuse = async () => {
  throw new Error('not of this test');
};
const METHODS = Object.fromEntries(
  OrchestratorService.methods.map(({ localName }) => [localName, refuse]),
) as unknown as ServiceMethods;

type Listener = (value?: unknown) => void;

/** A call whose reader takes each message as `take` says. */
function fakeCall(take: (taken: () => void) => void) {
  const listeners = new Map<string, Listener>();
  const call = {
    request: {},
    cancelled: false,
    written: 0,
    once: (name: string, listener: Listener) => void listeners.set(name, listener),
    on: (name: string, listener: Listener) => void listeners.set(name, listener),
    emit: (name: string, value?: unknown) => listeners.get(name)?.(value),
    write(_message: unknown, taken: () => void) {
      call.written += 1;
      take(taken);
      return true;
    },
    end: () => call.emit('ended'),
  };
  return call;
}

function stream(call: ReturnType<typeof fakeCall>, messages: () => AsyncIterable<Uint8Array>): void {
  const { implementation } = bindService(OrchestratorService, METHODS, createOpenCalls(), {
    watch: messages,
  });
  (implementation.watch as unknown as (call: object) => void)(call);
}

test('a message that was taken leaves nothing behind', async () => {
  const WARM_UP = 5_000;
  const MESSAGES = 55_000;
  const message = new Uint8Array([0x10, 5]);
  let before = 0;
  let after = 0;
  const call = fakeCall(queueMicrotask);
  const ended = new Promise((resolve) => call.on('ended', resolve));
  stream(call, async function* () {
    for (let sent = 0; sent < MESSAGES; sent += 1) {
      if (sent === WARM_UP) before = heapBytes();
      yield message;
    }
    after = heapBytes();
  });
  await ended;
  expect(call.written).toBe(MESSAGES);
  expect((after - before) / (MESSAGES - WARM_UP)).toBeLessThan(50);
});

test('a reader that goes away in the middle of a message ends the stream', async () => {
  let closed: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const call = fakeCall(() => {
    call.cancelled = true;
    call.emit('cancelled');
  });
  stream(call, async function* () {
    try {
      for (;;) yield new Uint8Array();
    } finally {
      closed();
    }
  });
  await over;
  expect(call.written).toBe(1);
});
