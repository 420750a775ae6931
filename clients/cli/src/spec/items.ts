// `--items KEY=FILE`: which items does a file hold for the `foreach` of a task?

import { extname } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { csvItems, type JsonValue, lineItems, toPayload } from '@tutti/client/client';
import { PayloadSchema } from '@tutti/proto/tutti/v1/payload_pb.ts';
import type { RunSpec } from '@tutti/proto/tutti/v1/run_pb.ts';
import { ForeachSchema } from '@tutti/proto/tutti/v1/task_pb.ts';
import { usageFailure } from '../failure.ts';
import { readInput } from './read-input.ts';
import { parseJsonText } from './spec-file.ts';

export interface ItemsOf {
  readonly taskKey: string;
  readonly file: string;
}

export interface ItemsOptions {
  /** Whether the first row of a CSV names its columns. */
  readonly header: boolean;
}

/** `KEY=FILE`. Throws Failure (usage). */
export function parseItemsOf(text: string): ItemsOf {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return { taskKey: text.slice(0, at), file: text.slice(at + 1) };
  throw usageFailure(`--items ${text}: give the key of a task and a file, as in each=rows.csv`);
}

/** Gives the tasks their items: in place. Throws Failure (usage) for a task that has no place for them. */
export async function addItems(spec: RunSpec, all: readonly ItemsOf[], options: ItemsOptions): Promise<void> {
  for (const { taskKey, file } of all) {
    const task = spec.tasks.find(({ key }) => key === taskKey);
    if (task === undefined) throw usageFailure(`--items ${taskKey}=${file}: there is no task "${taskKey}"`);
    task.foreach ??= create(ForeachSchema);
    if (task.foreach.items.length > 0 || task.foreach.itemsExpression !== '') {
      throw usageFailure(`--items ${taskKey}=${file}: the task has items of its own; give one of the two`);
    }
    const items = itemsIn(await readInput(file), file, options);
    task.foreach.items = items.map((item) => create(PayloadSchema, toPayload(item)));
  }
}

/** By the name: .csv and .tsv have rows, .json and .yaml a list, anything else lines. */
function itemsIn(text: string, file: string, { header }: ItemsOptions): readonly JsonValue[] {
  switch (extname(file).toLowerCase()) {
    case '.csv':
      return rowsIn(text, file, { header });
    case '.tsv':
      return rowsIn(text, file, { header, delimiter: '\t' });
    case '.json':
    case '.yaml':
    case '.yml': {
      const list = JSON.parse(parseJsonText(text, file)) as JsonValue;
      if (Array.isArray(list)) return list;
      throw usageFailure(`${file}: not a list, so it has no items`);
    }
    default:
      return lineItems(text);
  }
}

function rowsIn(text: string, file: string, options: Parameters<typeof csvItems>[1]): readonly JsonValue[] {
  try {
    return csvItems(text, options);
  } catch (error) {
    throw usageFailure(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}
