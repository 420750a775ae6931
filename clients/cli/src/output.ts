// How does a command speak? Results go to stdout; failures, and what only accompanies, to stderr.
//
// With `-o json` stdout holds nothing but documents of the proto's JSON mapping, one to a line, and a
// failure is one JSON document on stderr.

import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { Failure } from './failure.ts';

export type OutputFormat = 'text' | 'json';

/** What is written to; a part of NodeJS.WriteStream. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Output {
  readonly format: OutputFormat;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** A result for people; nothing with `-o json`. */
  text(line: string): void;
  /** A result for programs; nothing without `-o json`. */
  message<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): void;
  /** As `message`, for what is no message of the proto. */
  json(value: unknown): void;
  /** A remark on stderr that is part of no result; nothing with `-o json`. */
  remark(line: string): void;
}

export function createOutput(format: OutputFormat, stdout: Sink, stderr: Sink): Output {
  const json = (value: unknown): void => {
    if (format === 'json') stdout.write(`${JSON.stringify(value)}\n`);
  };
  return {
    format,
    stdout,
    stderr,
    text(line) {
      if (format === 'text') stdout.write(`${line}\n`);
    },
    message(desc, message) {
      if (format === 'json') json(toJson(desc, message));
    },
    json,
    remark(line) {
      if (format === 'text') stderr.write(`${line}\n`);
    },
  };
}

/** What stands on stderr when a command fails. Ends with a line break. */
export function renderFailure(failure: Failure, format: OutputFormat): string {
  const { code, reason, message, metadata, fields } = failure.details;
  if (format === 'json') return `${JSON.stringify({ error: failure.details })}\n`;
  const label = reason !== '' ? ` [${reason}]` : code === 'USAGE' ? '' : ` [${code}]`;
  const lines = [`tutti: ${message}${label}`];
  for (const { field, description } of fields) lines.push(`  ${field}: ${description}`);
  for (const [name, value] of Object.entries(metadata)) lines.push(`  ${name} = ${value}`);
  return `${lines.join('\n')}\n`;
}

/** Rows in columns, for people. The first row is the heading. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
