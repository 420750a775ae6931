// Looking payloads up and reading them, on the reader's thread.

import type { DatabaseSync } from 'node:sqlite';
import { allRows, type NamespaceOf, packRows, prepareRows } from './read-events.ts';
import type { Handler } from './worker-protocol.ts';

export function createPayloadReadHandlers(
  database: DatabaseSync,
  namespaceOf: NamespaceOf,
): Record<string, Handler> {
  const find = prepareRows(
    database,
    `SELECT sha256, size_bytes, used_at_ms FROM payloads
     WHERE namespace = ?1 AND sha256 = ?2 AND complete = 1`,
  );
  const whole = database.prepare(
    'SELECT id, size_bytes FROM payloads WHERE namespace = ? AND sha256 = ? AND complete = 1',
  );
  const part = database.prepare(
    `SELECT start, bytes FROM payload_parts
     WHERE payload = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1`,
  );
  return {
    findPayloads: (input, output) => {
      const namespace = namespaceOf(input.string());
      const names = Array.from({ length: input.number() }, () => input.string());
      const rows = namespace === undefined ? [] : names.flatMap((name) => allRows(find, namespace, name));
      packRows(output, rows);
    },
    readPayload: (input, output) => {
      const namespace = namespaceOf(input.string());
      const sha256 = input.string();
      const [offset, limitBytes] = [input.number(), input.number()];
      const payload = namespace === undefined ? undefined : whole.get(namespace, sha256);
      output.number(payload === undefined ? 0 : 1);
      if (payload === undefined) return;
      output.number(Number(payload['size_bytes']));
      // What came as one part is read as one; the next one begins where it ends.
      const row = part.get(Number(payload['id']), offset);
      const from = offset - Number(row?.['start'] ?? 0);
      const bytes = row === undefined ? new Uint8Array(0) : (row['bytes'] as Uint8Array);
      output.bytes(bytes.subarray(from, from + limitBytes));
    },
  };
}
