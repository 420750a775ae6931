// What is a workload? Each file beside this one exports `workload`; main.ts finds them by their names.

import type { Rpc } from '../../support/rpc.ts';
import type { Stack, StackOptions } from '../../support/stack.ts';
import type { Load, LoadKind } from '../peers/peer.ts';
import type { Part } from '../round/part.ts';

export interface WorkloadOptions {
  /** How much, where the workload has a choice; undefined: its own default. */
  readonly tasks: number | undefined;
  readonly rounds: number | undefined;
  /** Of all executors together. */
  readonly slots: number | undefined;
  /** How long, where the workload has a choice. */
  readonly minutes?: number | undefined;
  /** For people, as it goes. */
  readonly say: (line: string) => void;
}

/** One that Tutti and its peers can run: told as loads. Rounds of the contestants take turns. */
export interface ComparedWorkload {
  readonly kind: 'COMPARED';
  /** In a line, for the usage. */
  readonly help: string;
  readonly defaultSlots: number;
  /** A contestant that can do none of them is left out, and it is said. */
  readonly loads: readonly LoadKind[];
  /** One round of one contestant, freshly started. */
  round(contestant: Contestant, options: WorkloadOptions): Promise<void>;
}

export interface Contestant {
  can(kind: LoadKind): boolean;
  /** Runs it without measuring. */
  warmUp(load: Load): Promise<void>;
  /** Runs it and keeps time, CPU and memory under this name in the report; undefined if it cannot. */
  measure(part: string, load: Load): Promise<Part | undefined>;
}

/** One that asks about Tutti alone, with a client of its own on a stack of its own. */
export interface OwnWorkload {
  readonly kind: 'OWN';
  readonly help: string;
  /** What it needs to run on. */
  stack(options: WorkloadOptions): StackOptions;
  /** What it found: the JSON that is printed. */
  run(stack: Stack, rpc: Rpc, options: WorkloadOptions): Promise<Record<string, unknown>>;
}

/** One that needs no server at all. */
export interface BareWorkload {
  readonly kind: 'BARE';
  readonly help: string;
  run(options: WorkloadOptions): Promise<Record<string, unknown>>;
}

export type Workload = ComparedWorkload | OwnWorkload | BareWorkload;
