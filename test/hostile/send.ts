// How does an entry of the corpus get to its door, and is what comes back what it expects?

import { acts } from './acts/index.ts';
import { type Bytes, bytesOf, framed } from './bytes.ts';
import { type Entry, type Expected, withValues } from './corpus.ts';
import { type Answer, faultOf } from './doors/answer.ts';
import { answerOf, requestRaw, splitAddress, writeRaw } from './doors/http.ts';
import type { Scene } from './scene.ts';

/** What is wrong with the answer that it got, or undefined. */
export async function problemOf(scene: Scene, entry: Entry): Promise<string | undefined> {
  const answer = await send(scene, withValues(entry, scene.values));
  const problem = differenceOf(answer, entry.expect) ?? faultUnlessExpected(answer, entry.expect);
  return problem === undefined ? undefined : `${entry.door}: ${entry.name.slice(0, 150)}: ${problem}`;
}

async function send(scene: Scene, entry: Entry): Promise<Answer> {
  if (entry.act !== undefined) {
    const act = acts[entry.act];
    if (act === undefined) throw new Error(`there is no act ${entry.act}`);
    return act(scene, entry.door, entry.params ?? {});
  }
  switch (entry.door) {
    case 'grpc':
      return sendToGrpc(scene, entry);
    case 'http':
      return sendToHttp(scene, entry);
    case 'nats': {
      const { namespace, headers, call = '' } = entry;
      return scene.nats.request(call, bytesOf(entry.message ?? ''), { namespace, headers });
    }
  }
}

async function sendToGrpc({ stack, grpc }: Scene, entry: Entry): Promise<Answer> {
  if (entry.raw !== undefined) {
    const received = await writeRaw(stack.addresses.grpc, bytesOf(entry.raw), 5_000);
    // Whatever it says of HTTP/2 before it leaves: that it leaves is what counts.
    return { kind: received === undefined ? 'none' : 'closed' };
  }
  const body = entry.body === undefined ? framed(bytesOf(entry.message ?? '')) : bytesOf(entry.body);
  const { path = `/tutti.v1.${entry.call}`, headers = {} } = entry;
  return grpc.call({ path: asWritten(path), headers: mapped(headers), body });
}

async function sendToHttp({ http }: Scene, entry: Entry): Promise<Answer> {
  if (entry.raw !== undefined) return answerToRaw(http, entry.raw);
  const isBinary = entry.body === undefined;
  const { verb, path = `/tutti.v1.${entry.call}` } = entry;
  const headers = { 'content-type': 'application/proto', ...mapped(entry.headers ?? {}) };
  const body = isBinary ? bytesOf(entry.message ?? '') : bytesOf(entry.body ?? '');
  return requestRaw(http, { path: asWritten(path), headers, body, ...(verb === undefined ? {} : { verb }) });
}

async function answerToRaw(address: string, raw: Bytes): Promise<Answer> {
  splitAddress(address);
  const received = await writeRaw(address, bytesOf(raw), 5_000);
  // HTTP/2 says something before it leaves.
  if (received !== undefined && !received.subarray(0, 5).equals(Buffer.from('HTTP/')))
    return { kind: 'closed' };
  return answerOf(received);
}

/** Texts of headers and paths are bytes there. */
function asWritten(text: string): string {
  return text;
}

function mapped(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asWritten(value)]));
}

function differenceOf(answer: Answer, expected: Expected): string | undefined {
  const { answer: kind, code, reason, fields = [], text, status, statuses } = expected;
  const told = `got ${JSON.stringify(answer).slice(0, 600)}`;
  if (kind !== undefined && answer.kind !== kind) return `expected ${kind}, ${told}`;
  if (code !== undefined && answer.code !== code) return `expected ${code}, ${told}`;
  if (reason !== undefined && answer.reason !== reason) return `expected ${reason}, ${told}`;
  if (status !== undefined && ![status].flat().includes(answer.status ?? 0))
    return `expected ${status}, ${told}`;
  if (text !== undefined && !answer.text?.includes(text)) return `expected "${text}", ${told}`;
  const missing = fields.filter((field) => !answer.fields?.includes(field));
  if (missing.length > 0) return `expected ${missing} among the fields, ${told}`;
  if (statuses !== undefined && String(answer.statuses) !== String(statuses))
    return `expected ${statuses}, ${told}`;
  return undefined;
}

/** A plain status of HTTP is an answer where the request is none that a service could have read. */
function faultUnlessExpected(answer: Answer, expected: Expected): string | undefined {
  const isPlain = expected.status !== undefined && answer.code === undefined;
  return isPlain || expected.answer === answer.kind ? undefined : faultOf(answer);
}
