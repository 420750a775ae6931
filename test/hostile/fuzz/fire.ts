// How is a case sent, and what is wrong with what came of it?

import type { ClientHttp2Session } from 'node:http2';
import { fromBinary } from '@bufbuild/protobuf';
import { SubmitRunRequestSchema } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { type Answer, faultOf } from '../doors/answer.ts';
import { callOnce, connectRaw } from '../doors/grpc.ts';
import { answerOf, requestRaw, writeRaw } from '../doors/http.ts';
import type { Scene } from '../scene.ts';
import type { Case } from './draw-case.ts';

/** Calls that wait for something to happen; nothing need come of them in this time. */
const WAITING = /\/(WaitRun|Watch|ServerReflectionInfo)$/;
const SUBMITTING = /\/SubmitRun$/;
const WAIT_MS = 300;
const ANSWER_MS = 30_000;

export interface Shot {
  readonly answer: Answer;
  /** Undefined: the door did as it should. */
  readonly fault: string | undefined;
}

export interface Gun {
  fire(one: Case): Promise<Shot>;
  close(): void;
}

export function createGun(scene: Scene): Gun {
  let session: ClientHttp2Session | undefined;

  function connected(): ClientHttp2Session {
    if (session === undefined || session.closed || session.destroyed) {
      session = connectRaw(scene.stack.addresses.grpc);
    }
    return session;
  }

  async function answerTo(one: Case): Promise<Answer> {
    const body = Buffer.from(one.body, 'base64');
    const timeoutMs = mayWait(one) ? WAIT_MS : ANSWER_MS;
    const raw = one.raw === undefined ? undefined : Buffer.from(one.raw, 'base64');
    switch (one.door) {
      case 'grpc':
        if (raw !== undefined) return rawAnswer(await writeRaw(scene.stack.addresses.grpc, raw, WAIT_MS));
        return callOnce(connected(), { path: one.path, headers: one.headers, body, timeoutMs });
      case 'http':
        if (raw !== undefined) return rawAnswer(await writeRaw(scene.http, raw, WAIT_MS));
        return requestRaw(scene.http, { path: one.path, headers: one.headers, body }, timeoutMs);
      case 'nats':
        return scene.nats.request(one.path, body, { namespace: one.namespace, headers: one.headers });
    }
  }

  return {
    async fire(one) {
      let answer: Answer;
      try {
        answer = await answerTo(one);
      } catch (error) {
        // What not even a hostile client can send, such as a header that node:http2 refuses.
        return { answer: { kind: 'closed', text: `not sent: ${String(error)}` }, fault: undefined };
      }
      const mayBeSilent = one.raw !== undefined || mayWait(one);
      const fault = answer.kind === 'none' && mayBeSilent ? undefined : faultOf(answer);
      return { answer, fault };
    },
    close: () => session?.destroy(),
  };
}

/** Whether it is, or may be, a call that is answered once something has happened. */
export function mayWait({ path, headers, body: base64 }: Case): boolean {
  if (!SUBMITTING.test(path)) return WAITING.test(path);
  const isCompressed = Object.keys(headers).some((name) => name.endsWith('encoding'));
  const body = Buffer.from(base64, 'base64');
  // In JSON, in an envelope, or bare.
  return isCompressed || body.includes('wait') || saysWait(body.subarray(5)) || saysWait(body);
}

function saysWait(message: Uint8Array): boolean {
  try {
    return fromBinary(SubmitRunRequestSchema, message).wait !== undefined;
  } catch {
    // Nor does the door read it, then.
    return false;
  }
}

/** Whatever was said to something that may be no request at all: that the other side lives is what counts. */
function rawAnswer(received: Buffer | undefined): Answer {
  if (received === undefined || received.byteLength === 0) return { kind: 'closed' };
  if (!received.subarray(0, 5).equals(Buffer.from('HTTP/'))) return { kind: 'closed' };
  try {
    const answer = answerOf(received);
    return answer.kind === 'refused' && Number.isNaN(answer.status) ? { kind: 'closed' } : answer;
  } catch {
    // More than one answer to more than one request, or half of one.
    return { kind: 'closed' };
  }
}
