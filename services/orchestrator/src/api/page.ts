// Where does a page end, and how does the next one know where to begin?
//
// A token is opaque to clients: base64url of the call, a check over its other fields, and the position.

import { createHash } from 'node:crypto';
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { accept, type Result, reject } from '../domain/rejection.ts';

const DEFAULT_PAGE_SIZE = 100;
/** Below the 4 MiB that gRPC clients accept by default. */
const PAGE_LIMIT_BYTES = 3 * 1024 * 1024;

export type Position = string | number;

/** What has to be equal from page to page. */
export interface PagedCall {
  readonly name: string;
  readonly fields: readonly unknown[];
}

export function pageSizeOf(request: { readonly pageSize: number }): number {
  return request.pageSize === 0 ? DEFAULT_PAGE_SIZE : request.pageSize;
}

export function writePageToken(call: PagedCall, position: Position): string {
  return Buffer.from(JSON.stringify([checkOf(call), position])).toString('base64url');
}

/** The position after which the page begins; `first` where the token is empty. */
export function readPageToken<P extends Position>(token: string, call: PagedCall, first: P): Result<P> {
  if (token === '') return accept(first);
  const position = positionOf(token, call);
  if (typeof position === typeof first) return accept(position as P);
  const message =
    `page_token was not given by this call with these fields; ` +
    `send the next_page_token of the page before with all other fields equal, or begin without one`;
  return reject('INVALID_PAGE_TOKEN', message, { page_token: token }, 'page_token');
}

function positionOf(token: string, call: PagedCall): unknown {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== checkOf(call)) return undefined;
    const position: unknown = parsed[1];
    return typeof position !== 'number' || Number.isSafeInteger(position) ? position : undefined;
  } catch {
    // Not JSON: not ours.
    return undefined;
  }
}

function checkOf(call: PagedCall): string {
  return createHash('sha256')
    .update(JSON.stringify([call.name, call.fields]))
    .digest('base64url')
    .slice(0, 12);
}

export interface Fitting {
  readonly count: number;
  readonly bytes: number;
}

/**
 * How many of the messages fit into an answer, and what the answer then has in bytes. At least one,
 * if the answer is empty.
 * @param usedBytes what the answer has already
 */
export function countFitting<Desc extends DescMessage>(
  schema: Desc,
  messages: readonly MessageShape<Desc>[],
  usedBytes = 0,
): Fitting {
  let bytes = usedBytes;
  for (const [count, message] of messages.entries()) {
    const size = toBinary(schema, message).byteLength;
    if (bytes > 0 && bytes + size > PAGE_LIMIT_BYTES) return { count, bytes };
    bytes += size;
  }
  return { count: messages.length, bytes };
}
