// Most tasks and runs say no more than what they are called, what is to be done, and after what. Those are written by
// hand: a busy orchestrator stores tens of thousands a second. stored-spec.ts says what the messages mean; a test holds
// that both give the same bytes.

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Payload } from '../domain/payload.ts';
import { plainTask } from '../domain/plain-task.ts';
import { type Dependency, PLAIN_RUN, type RunSpec, SELECT_ALL, type TaskSpec } from '../domain/spec.ts';
import type { RunRecord } from './stored-spec.ts';
import { writeTimestamp } from './time.ts';

/** Field number and wire type. */
const LENGTH_DELIMITED = 2;
const tag = (field: number, wireType = LENGTH_DELIMITED) => (field << 3) | wireType;

/** Of tutti.v1.TaskSpec and what it holds. */
const KEY = tag(1);
const CAPABILITY = tag(2);
const INPUT = tag(3);
const DEPENDENCIES = tag(4);
const BYTES = tag(1);
const CONTENT_TYPE = tag(3);
/** Of tutti.store.v1.RunRecord and what it holds. */
const SPEC = tag(1);
const NAME = tag(1);
const LABELS = tag(2);
const MAP_KEY = tag(1);
const MAP_VALUE = tag(2);
const OUTPUT_TASK = tag(8);
const SUBMIT_TIME = tag(2);
const TRACEPARENT = tag(3);
const TASK_COUNT = tag(6, 0);

/** What is not written has to be as in a task of which nothing is said. */
const {
  key: _key,
  capability: _capability,
  input: _input,
  dependencies: _edges,
  ...PLAIN
} = plainTask('', '');
const PLAIN_NAMES = Object.keys(PLAIN) as readonly (keyof typeof PLAIN)[];

/** The same of a run: all but its name, labels, tasks and output task. A new setting has to have its place here. */
const PLAIN_SETTINGS: Readonly<Omit<RunSpec, 'name' | 'labels' | 'tasks' | 'outputTask'>> = {
  ...(PLAIN_RUN as Pick<RunSpec, keyof typeof PLAIN_RUN>),
  failurePolicy: 'CONTINUE',
  timeoutMs: undefined,
};
const PLAIN_SETTING_NAMES = (Object.keys(PLAIN_SETTINGS) as (keyof RunSpec)[]).filter(
  (name): name is keyof typeof PLAIN_SETTINGS => name !== 'outputTask',
);

// One for all: its buffer is kept. Nothing here is reentrant.
let writer = new BinaryWriter();

/** As encodeTaskSpec; undefined for a task that says more. */
export function encodePlainTask(spec: TaskSpec): Uint8Array | undefined {
  if (!isPlainTask(spec)) return undefined;
  return written(() => {
    if (spec.key !== '') writer.uint32(KEY).string(spec.key);
    if (spec.capability !== '') writer.uint32(CAPABILITY).string(spec.capability);
    writeInput(spec.input);
    for (const { key } of spec.dependencies) {
      writer.uint32(DEPENDENCIES).fork();
      if (key !== '') writer.uint32(KEY).string(key);
      writer.join();
    }
  });
}

/** As encodeRunRecord; undefined for a run that says more. */
export function encodePlainRecord(record: RunRecord): Uint8Array | undefined {
  const { spec, submittedAtMs, traceparent, parent, taskCount, ...rest } = record;
  noMore(rest);
  if (parent !== undefined || !PLAIN_SETTING_NAMES.every((name) => spec[name] === PLAIN_SETTINGS[name])) {
    return undefined;
  }
  return written(() => {
    writer.uint32(SPEC).fork();
    if (spec.name !== '') writer.uint32(NAME).string(spec.name);
    for (const [key, value] of Object.entries(spec.labels)) {
      writer.uint32(LABELS).fork().uint32(MAP_KEY).string(key).uint32(MAP_VALUE).string(value).join();
    }
    if (spec.outputTask !== '') writer.uint32(OUTPUT_TASK).string(spec.outputTask);
    writer.join();
    writeTimestamp(writer, SUBMIT_TIME, submittedAtMs);
    if (traceparent !== '') writer.uint32(TRACEPARENT).string(traceparent);
    if (taskCount !== 0) writer.uint32(TASK_COUNT).uint32(taskCount);
  });
}

function isPlainTask(spec: TaskSpec): boolean {
  for (const name of PLAIN_NAMES) if (spec[name] !== PLAIN[name]) return false;
  return spec.input.ref === undefined && spec.dependencies.every(isPlainEdge);
}

function isPlainEdge({ key: _, condition, when, alias, select, ...rest }: Dependency): boolean {
  noMore(rest);
  return condition === 'SUCCESS' && when === '' && alias === '' && select === SELECT_ALL;
}

/** Does not compile once there is more to write than what is written. */
function noMore(_rest: Readonly<Record<string, never>>): void {}

function writeInput({ bytes, contentType, ref: _, ...rest }: Payload): void {
  noMore(rest);
  if (bytes.byteLength === 0 && contentType === '') return;
  writer.uint32(INPUT).fork();
  if (bytes.byteLength > 0) writer.uint32(BYTES).bytes(bytes);
  if (contentType !== '') writer.uint32(CONTENT_TYPE).string(contentType);
  writer.join();
}

function written(write: () => void): Uint8Array {
  try {
    write();
    return writer.finish();
  } catch (error) {
    // What is half written must not begin the next one.
    writer = new BinaryWriter();
    throw error;
  }
}
