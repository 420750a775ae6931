// What users rely on, line by line, and which tests hold it: docs/behaviours.md.
//
// Tests name the lines that they hold in their titles ("C.4: …") or in the first comment of their file;
// transcripts of the engine name them in their comments.

import { posix } from 'node:path';
import type { SourceFile } from './source-file.ts';

export interface Behaviour {
  readonly id: string;
  readonly text: string;
}

const LINES: readonly (readonly [id: string, text: string])[] = [
  [
    'A.1',
    'One task, a flat set, a tree, a forest, a graph: each submits as it is; `parent` never orders execution.',
  ],
  [
    'A.2',
    'Dependencies refer to keys of the run; unknown and duplicate keys, cycles and contradictions are refused, with nothing stored; equal edges collapse.',
  ],
  [
    'A.3',
    'A required upstream must complete; an optional one is waited for, however it ends; a null result is a result.',
  ],
  [
    'A.4',
    'A required upstream that does not complete skips the task, or fails it where it asks so; re-running the upstream revives it.',
  ],
  [
    'A.5',
    'A task that runs only if another failed is skipped when that one completed; a report after both gets what exists.',
  ],
  ['A.6', 'Independent tasks overlap; a join waits for all, any, or k of its edges; the rest goes on.'],
  [
    'A.7',
    'Dependencies can be added and removed while the task is WAITING; a change that makes a cycle is refused.',
  ],
  ['A.8', 'The topological order and the graph can be asked for, as Mermaid, DOT and JSON, with states.'],
  ['B.1', "An attempt sees its own input and its dependencies' results by key; on request they are merged."],
  ['B.2', 'An edge passes all, nothing, named fields, the last n items, or at most so many bytes.'],
  [
    'B.3',
    "Inputs can be computed from the run's input, upstream results, states and errors, item and index, iteration.",
  ],
  [
    'B.4',
    'A payload may be anything up to the inline limit; larger ones are stored apart and fetched unseen.',
  ],
  ['B.5', "A run has an output: a task's result or an expression."],
  [
    'C.1',
    '`when` on a task: false skips it; an expression that fails to evaluate fails it, with the expression and the cause.',
  ],
  [
    'C.2',
    'A decision routes: its result picks the branches; the others are skipped; what joins them runs after the chosen one.',
  ],
  [
    'C.3',
    'A decision may send the run back to an earlier task, so many times, with the reason and the refused result as feedback.',
  ],
  [
    'C.4',
    '`foreach` over a list, a result, rows or lines: results in order, bounded parallelism, tolerated failures, siblings as chosen.',
  ],
  ['C.5', '`repeat` until a condition, with delay and limit; the previous result is the next input.'],
  ['C.6', 'Sequential, parallel and manager-led runs take one line each to ask for.'],
  ['C.7', 'Child runs; signals and approvals with a timeout; timers; start times and delays.'],
  [
    'D.1',
    '`max_attempts` is the total; delays grow by the policy, or as the executor says; retrying may be useless.',
  ],
  ['D.2', 'Every attempt keeps its own error, timing, executor and usage.'],
  [
    'D.3',
    'Fail, fail, succeed with three attempts: three calls, COMPLETED. Always failing with six: six calls, FAILED.',
  ],
  [
    'D.4',
    'Handlers by error code, first match wins; a fallback capability after the last attempt; the first error remains the reason.',
  ],
  [
    'D.5',
    'Guardrails on results: CEL, JSON Schema, a validating capability; the next attempt is given the reason and the refused result.',
  ],
  ['D.6', 'Timeouts free the slot: queue, attempt, whole, heartbeat, run.'],
  ['D.8', 'Cancel a task, a subtree, a run; a late result is refused; partial result and usage are kept.'],
  ['D.9', 'Compensations run in reverse order of completion.'],
  ['D.10', "A lost executor's attempts end LOST and are tried again without counting against the limit."],
  ['F.1', 'Every transition is an event with its time; a final state changes by an explicit re-run only.'],
  ['F.2', 'Pause, resume; re-run what failed, from a task on, or all; unchanged results are kept.'],
  [
    'F.3',
    'Copy a run, whole or a part, reset, the original untouched; a part whose dependency lies outside is refused unless linked.',
  ],
  [
    'F.4',
    "A link takes a completed task's result of another run, resolves to its origin, and keeps that from being deleted.",
  ],
  ['F.5', 'Archive: frozen, readable, never executed, changed or removed by retention.'],
  ['F.6', 'Delete only what is final and unlinked; retention by namespace.'],
  ['F.7', 'Starting the same run twice runs it once.'],
];

export const BEHAVIOURS: readonly Behaviour[] = LINES.map(([id, text]) => ({ id, text }));

export interface Evidence {
  readonly path: string;
  /** Empty for a whole file. */
  readonly title: string;
}

const TITLE = /\b(?:test|it|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;
const ID = /\b([A-G])\.(\d+)(?: to (?:\1\.)?(\d+))?/g;
/** Of one line; the rest is counted. */
const SHOWN = 5;

/** Which tests name which lines, by line. */
export function evidenceIn(files: readonly SourceFile[]): ReadonlyMap<string, readonly Evidence[]> {
  const found = new Map<string, Evidence[]>();
  const note = (text: string, evidence: Evidence) => {
    for (const id of idsIn(text)) found.set(id, [...(found.get(id) ?? []), evidence]);
  };
  for (const { path, text } of files) {
    if (/\/transcripts\/[^/]+\.txt$/.test(path)) {
      const comments = text.split('\n').filter((line) => line.startsWith('#'));
      note(comments.join('\n'), { path, title: '' });
    } else if (path.endsWith('.test.ts')) {
      note(/^(?:\/\/[^\n]*\n)+/.exec(text)?.[0].replaceAll('\n//', '') ?? '', { path, title: '' });
      for (const [, , title = ''] of text.matchAll(TITLE)) note(title, { path, title });
    }
  }
  return found;
}

function idsIn(text: string): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const [, section, first, last = first] of text.matchAll(ID)) {
    for (let number = Number(first); number <= Number(last); number++) ids.add(`${section}.${number}`);
  }
  return ids;
}

/** Lines that no test names. */
export function unproven(evidence: ReadonlyMap<string, readonly Evidence[]>): readonly string[] {
  return BEHAVIOURS.filter(({ id }) => !evidence.has(id)).map(({ id }) => id);
}

/** The page; paths are relative to the folder `docs`. */
export function behavioursPage(evidence: ReadonlyMap<string, readonly Evidence[]>): string {
  const rows = BEHAVIOURS.map(({ id, text }) => {
    const all = evidence.get(id) ?? [];
    const shown = all.slice(0, SHOWN).map(({ path, title }) => `[${nameOf(path)}](../${path})${say(title)}`);
    const rest = all.length > SHOWN ? [`and ${all.length - SHOWN} more`] : [];
    return `| ${id} | ${text} | ${[...shown, ...rest].join('<br>')} |`;
  });
  return [
    '# What users rely on, and the tests that hold it',
    '',
    'Written by `UPDATE_BEHAVIOURS=1 npm run vitest -- --project structure`, from the titles of the tests; a test of the',
    'structure keeps it fresh, and finds a line that no test names. Circuit breakers (D.7) and the shared memory of runs',
    '(F.8) are not there yet.',
    '',
    '| line | behaviour | tests |',
    '|------|-----------|-------|',
    ...rows,
    '',
  ].join('\n');
}

function nameOf(path: string): string {
  return posix.basename(path);
}

function say(title: string): string {
  return title === '' ? '' : `: ${title.replaceAll('|', '\\|').replaceAll('<', '&lt;')}`;
}
