// A task that is done once for each item of a list (C.4): which items are made tasks when, and what do
// they come to?
//
// The items of one round are the foreach's own attempt: it is RUNNING while they are done. Only a window
// of them is made at a time, so that a long list costs no more than a short one at any moment.

import { cancellation } from './cancel.ts';
import { expressionError } from './conditions.ts';
import type { Change, TaskError, TasksAdded } from './events.ts';
import { itemKey, itemOf } from './expansion.ts';
import type { Json } from './expression.ts';
import { itemList } from './item-results.ts';
import { specOf, taskOf } from './lookup.ts';
import { EMPTY_PAYLOAD, type Payload } from './payload.ts';
import { jsonOfPayload, payloadOfJson } from './payload-json.ts';
import { attemptFailed, attemptSucceeded } from './result.ts';
import { type Foreach, PLAIN_FLOW, type TaskSpec } from './spec.ts';
import type { Expansion, RunState } from './state.ts';
import { isFinalTask } from './states.ts';
import { evaluateForTask, INPUT_VARIABLES, iterationOf } from './variables.ts';

const NOTHING: readonly Change[] = Object.freeze([]);
/** To be filled in by nextItems(). */
const NO_SPECS: readonly TaskSpec[] = Object.freeze([]);

/** Of one list. */
export const MAX_ITEMS = 100_000;
/** Of one run, with everything that it makes for itself: bounds rounds times items. */
export const MAX_RUN_TASKS = 1_000_000;
/** How many are made at a time where the user sets no limit. */
const WINDOW = 1_000;

/** Right after the start: the list becomes known. */
export function expand(run: RunState, task: number, nowMs: number): readonly Change[] {
  const foreach = foreachOf(run, task);
  if (foreach === undefined) return NOTHING;
  const listed = listOf(run, task, foreach);
  if (!listed.ok) return failed(run, task, listed.error, nowMs);
  const { items, count } = listed;
  const most = Math.min(MAX_ITEMS, MAX_RUN_TASKS - run.tasks.length);
  if (count > most) {
    const message = `the list has ${count} items, ${most} are allowed; split it`;
    return failed(run, task, { code: 'TOO_MANY_ITEMS', message, details: undefined }, nowMs);
  }
  const kept = keptItems(run, task, items, count);
  return [{ type: 'TaskExpanded', task, items, itemCount: count, kept }];
}

/** Once the list is known, and whenever one of its items is final. */
export function goOn(run: RunState, task: number, nowMs: number): readonly Change[] {
  const foreach = foreachOf(run, task);
  const { state, more, cancelling } = taskOf(run, task);
  const expansion = more?.expansion;
  if (foreach === undefined || expansion === undefined || state !== 'RUNNING' || cancelling !== undefined) {
    return NOTHING;
  }
  const hopeless = expansion.failed > tolerated(foreach, expansion);
  if (hopeless && foreach.siblings === 'STOP') return stopSiblings(run, task, foreach, expansion, nowMs);
  if (expansion.ended < expansion.itemCount)
    return roomFor(foreach, expansion) === 0
      ? NOTHING
      : [{ type: 'TasksAdded', specs: NO_SPECS, owner: task }];
  if (hopeless) return failed(run, task, itemsFailed(run, expansion), nowMs);
  const list = itemList(run, expansion);
  return list.ok
    ? attemptSucceeded(run, task, list.payload, undefined, nowMs)
    : failed(run, task, list.error, nowMs);
}

/** Whether the end of this task is that of an item which its foreach waits for. */
export function isAwaitedItem(run: RunState, owner: number, task: number): boolean {
  const expansion = taskOf(run, owner).more?.expansion;
  if (expansion === undefined || foreachOf(run, owner) === undefined) return false;
  return itemOf(expansion, specOf(run, task).key, task) !== undefined;
}

function foreachOf(run: RunState, task: number): Foreach | undefined {
  return specOf(run, task).flow.foreach;
}

type Listed =
  | { readonly ok: true; readonly items: Payload | undefined; readonly count: number }
  | { readonly ok: false; readonly error: TaskError };

function listOf(run: RunState, task: number, { items, itemsExpression }: Foreach): Listed {
  if (itemsExpression === '') return { ok: true, items: undefined, count: items.length };
  const refuse = (cause: string): Listed => {
    return { ok: false, error: expressionError('foreach.items_expression', itemsExpression, cause) };
  };
  const value = evaluateForTask(run, task, itemsExpression);
  if (!value.ok) return refuse(value.cause);
  if (!Array.isArray(value.value)) return refuse('it did not give a list');
  const encoded = payloadOfJson(value.value);
  return encoded.ok ? { ok: true, items: encoded.payload, count: value.value.length } : refuse(encoded.cause);
}

/** Items that completed in a round before this one that failed; compared with what they would be given now. */
function keptItems(run: RunState, task: number, items: Payload | undefined, count: number): number[] {
  const before = taskOf(run, task).more?.expansion;
  const kept: number[] = [];
  if (before === undefined) return kept;
  const listed = listedItems(run, items);
  for (let index = 0; index < Math.min(count, before.children.length); index++) {
    const child = before.children[index];
    if (child === undefined || taskOf(run, child).state !== 'COMPLETED') continue;
    const input = inputOf(run, task, listed, index);
    if (input.ok && samePayload(input.payload, specOf(run, child).input)) kept.push(index);
  }
  return kept;
}

function samePayload(one: Payload, other: Payload): boolean {
  if (one.contentType !== other.contentType || one.bytes.length !== other.bytes.length) return false;
  if (one.ref?.sha256 !== other.ref?.sha256) return false;
  return one.bytes.every((byte, at) => byte === other.bytes[at]);
}

/** Cancels what is open, waits for it, and fails. */
function stopSiblings(
  run: RunState,
  task: number,
  foreach: Foreach,
  expansion: Expansion,
  nowMs: number,
): readonly Change[] {
  if (expansion.ended === expansion.made) return failed(run, task, itemsFailed(run, expansion), nowMs);
  if (expansion.failed > tolerated(foreach, expansion) + 1) return NOTHING; // They have been told before.
  const changes: Change[] = [];
  for (const child of expansion.children) {
    if (child === undefined || isFinalTask(taskOf(run, child).state)) continue;
    const change = cancellation(run, child, 'OWNER_ENDED');
    if (change !== undefined) changes.push(change);
  }
  return changes;
}

function tolerated({ toleratedFailures, toleratedShare }: Foreach, { itemCount }: Expansion): number {
  return Math.max(toleratedFailures, Math.floor(toleratedShare * itemCount));
}

/** With a limit: as many as may be under way. Without: a window, filled up again when half of it is done. */
function roomFor({ maxParallel }: Foreach, expansion: Expansion): number {
  const open = expansion.made - expansion.ended;
  const limit = maxParallel === 0 ? WINDOW : maxParallel;
  const refill = maxParallel === 0 || maxParallel > WINDOW ? open <= limit - WINDOW / 2 : open < limit;
  return refill ? Math.min(limit - open, expansion.itemCount - expansion.made, WINDOW) : 0;
}

/**
 * The next items, once it is the turn of the change that was to add them (goOn): as many may have ended in the
 * same step before it, each of which asked for more. Undefined if there is nothing to add any more.
 */
export function nextItems(run: RunState, task: number): TasksAdded | undefined {
  const foreach = foreachOf(run, task);
  const { state, more, cancelling } = taskOf(run, task);
  const expansion = more?.expansion;
  if (foreach === undefined || expansion === undefined || state !== 'RUNNING' || cancelling !== undefined) {
    return undefined;
  }
  if (foreach.siblings === 'STOP' && expansion.failed > tolerated(foreach, expansion)) return undefined;
  const room = roomFor(foreach, expansion);
  const listed = listedItems(run, expansion.items);
  const specs: TaskSpec[] = [];
  for (let index = expansion.next; index < expansion.itemCount && specs.length < room; index++) {
    if (expansion.children[index] === undefined) specs.push(itemSpec(run, task, listed, index));
  }
  return specs.length === 0 ? undefined : { type: 'TasksAdded', specs, owner: task };
}

/** The task of one item: as its foreach, but for what orders it among others. */
function itemSpec(run: RunState, task: number, listed: readonly Json[] | undefined, index: number): TaskSpec {
  const spec = specOf(run, task);
  const input = inputOf(run, task, listed, index);
  const one: TaskSpec = {
    ...spec,
    key: itemKey(spec.key, taskOf(run, task).more?.expansion?.round ?? 1, index),
    parent: spec.key,
    dependencies: [],
    join: { mode: 'ALL' },
    when: '',
    inputExpression: '',
    flow: PLAIN_FLOW,
    allowFailure: true,
  };
  if (input.ok) return { ...one, input: input.payload };
  // It is evaluated once more, and fails, as a task of its own, which says why.
  const item = itemOfList(run, task, listed, index);
  return { ...one, input: item, inputExpression: spec.inputExpression };
}

/** What the items are chosen from: read once for many of them. Undefined: the items that were submitted. */
function listedItems(run: RunState, items: Payload | undefined): readonly Json[] | undefined {
  return items === undefined ? undefined : (run.graph.readPayload(items) as readonly Json[]);
}

function itemOfList(
  run: RunState,
  task: number,
  listed: readonly Json[] | undefined,
  index: number,
): Payload {
  if (listed === undefined) return foreachOf(run, task)?.items[index] ?? EMPTY_PAYLOAD;
  const encoded = payloadOfJson(listed[index] ?? null);
  if (!encoded.ok) throw new Error(`an item of a list that could be kept cannot: ${encoded.cause}`);
  return encoded.payload;
}

type Given = { readonly ok: true; readonly payload: Payload } | { readonly ok: false };

function inputOf(run: RunState, task: number, listed: readonly Json[] | undefined, index: number): Given {
  const { inputExpression } = specOf(run, task);
  if (inputExpression === '') return { ok: true, payload: itemOfList(run, task, listed, index) };
  const item = listed === undefined ? jsonOfPayload(itemOfList(run, task, listed, index)) : listed[index];
  const place = { index, iteration: iterationOf(run, task) };
  const scope = { names: INPUT_VARIABLES, values: item === undefined ? place : { ...place, item } };
  const value = evaluateForTask(run, task, inputExpression, scope);
  const encoded = value.ok ? payloadOfJson(value.value) : value;
  return encoded.ok ? encoded : { ok: false };
}

function itemsFailed(
  run: RunState,
  { failed: count, itemCount, children, firstFailed = 0 }: Expansion,
): TaskError {
  const first = children[firstFailed];
  const status = first === undefined ? undefined : taskOf(run, first);
  const why = status?.error === undefined ? status?.reason : `${status.error.code}: ${status.error.message}`;
  const message = `${count} of ${itemCount} items did not complete; the first was item ${firstFailed}: ${why}`;
  return { code: 'ITEMS_FAILED', message: message.slice(0, 4_000).toWellFormed(), details: undefined };
}

function failed(run: RunState, task: number, error: TaskError, nowMs: number): readonly Change[] {
  const final = error.code === 'EXPRESSION_FAILED' || error.code === 'TOO_MANY_ITEMS';
  return attemptFailed(
    run,
    task,
    { end: 'FAILED', error, usage: undefined, final, retryAfterMs: undefined },
    nowMs,
  );
}
