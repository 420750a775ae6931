// What is in the corpus? Entries are data, in corpus/*.json: each names a door, what to send there, and
// the answer that it must get. An entry with `each` stands for as many as its lists have combinations:
// `{name}` is replaced in its texts, and by the value itself where it is all of a text.

import { readdirSync, readFileSync } from 'node:fs';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Bytes } from './bytes.ts';

export type DoorName = 'grpc' | 'http' | 'nats';

export interface Entry {
  readonly name: string;
  /** `both` stands for two entries: one through gRPC, one through HTTP. */
  readonly door: DoorName;
  /** Over gRPC and HTTP: `Service/Method` of `tutti.v1`; over NATS: what follows the namespace. */
  readonly call?: string;
  readonly message?: Bytes;
  readonly headers?: Readonly<Record<string, string>>;
  /** gRPC and HTTP: in place of the path that follows from `call`. */
  readonly path?: string;
  /** HTTP: default POST. */
  readonly verb?: string;
  /** In place of the message: gRPC all frames of the call, HTTP the body. */
  readonly body?: Bytes;
  /** In place of everything: what is written to the connection itself. */
  readonly raw?: Bytes;
  /** NATS: default `default`. */
  readonly namespace?: string;
  /** In place of one request: something that takes a program, by its name in acts.ts. */
  readonly act?: string;
  readonly params?: JsonObject;
  readonly expect: Expected;
}

export interface Expected {
  /** As gRPC names it. */
  readonly code?: string;
  readonly reason?: string;
  /** Some of the fields that it names. */
  readonly fields?: readonly string[];
  /** Part of its text. */
  readonly text?: string;
  /** Of HTTP. */
  readonly status?: number | readonly number[];
  /** Without an answer: the connection is closed, or nobody says anything. */
  readonly answer?: 'closed' | 'none' | 'accepted';
  /** Of reports over NATS. */
  readonly statuses?: readonly string[];
}

const FOLDER = new URL('corpus/', import.meta.url);

/** By the name of its file. */
export function readCorpus(): ReadonlyMap<string, readonly Entry[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  return new Map(
    files.sort().map((file) => {
      const entries = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as JsonObject[];
      return [file.replace('.json', ''), entries.flatMap(expand) as unknown as Entry[]];
    }),
  );
}

function expand(entry: JsonObject): JsonObject[] {
  const { each = {}, ...rest } = entry;
  const both =
    rest.door === 'both' ? { door: ['grpc', 'http'], ...(each as JsonObject) } : (each as JsonObject);
  let expanded: JsonObject[] = [
    rest.door === 'both' ? { ...rest, door: '{door}', name: `${rest.name} ({door})` } : rest,
  ];
  for (const [name, values] of Object.entries(both)) {
    expanded = (values as JsonValue[]).flatMap((value) =>
      expanded.map((one) => replaced(one, name, value) as JsonObject),
    );
  }
  return expanded;
}

function replaced(value: JsonValue, name: string, by: JsonValue): JsonValue {
  if (value === `{${name}}`) return by;
  if (typeof value === 'string')
    return value.replaceAll(`{${name}}`, typeof by === 'string' ? by : JSON.stringify(by));
  if (Array.isArray(value)) return value.map((one) => replaced(one, name, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [replaced(key, name, by), replaced(one, name, by)]),
  );
}

/** The same entry with `${name}` replaced by what is only known while the test runs, such as a lease token. */
export function withValues(entry: Entry, values: Readonly<Record<string, string>>): Entry {
  const text = JSON.stringify(entry);
  if (!text.includes('${')) return entry;
  return JSON.parse(
    text.replaceAll(/\$\{([\w.]+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined)
        throw new Error(`the corpus speaks of \${${name}}, which the scene does not have`);
      return value;
    }),
  ) as Entry;
}
