// Are the options right, and what stands where nothing was given?

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { durationInputMs } from '../durations.ts';
import { createStderrLogger, type Logger } from '../logger.ts';
import type { CapabilityOptions, ExecutorOptions } from './types.ts';

/** Options with every default filled in and every rule of the protocol checked. */
export interface Settings {
  readonly id: string;
  readonly servers: string[];
  readonly namespace: string;
  readonly prefix: string;
  readonly slots: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: ReadonlyMap<string, CapabilityOptions>;
  readonly drainTimeoutMs: number;
  readonly handleSignals: boolean;
  readonly logger: Logger;
  readonly nats: NonNullable<ExecutorOptions['nats']>;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PREFIX = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
const CAPABILITY = /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$/;
// A heartbeat names every held attempt and must fit into one NATS message of 1 MiB.
const MAX_SLOTS = 10_000;
const MAX_CAPABILITIES = 256;
const MAX_CAPABILITY_LENGTH = 128;
const MAX_LABELS = 32;

/** Throws a TypeError or RangeError that names the option, its value and the rule. */
export function readOptions(options: ExecutorOptions): Settings {
  const { TUTTI_NATS_URL, TUTTI_NAMESPACE } = process.env;
  const servers = options.servers ?? (TUTTI_NATS_URL || 'nats://127.0.0.1:4222');
  const slots = options.slots ?? 16;
  if (!Number.isInteger(slots) || slots < 1 || slots > MAX_SLOTS) {
    throw new RangeError(`slots: ${slots} is not a whole number from 1 to ${MAX_SLOTS}`);
  }
  return {
    id: matching('id', options.id ?? defaultId(), ID),
    servers: typeof servers === 'string' ? servers.split(',') : [...servers],
    namespace: matching('namespace', options.namespace ?? (TUTTI_NAMESPACE || 'default'), NAMESPACE),
    prefix: matching('prefix', options.prefix ?? 'tutti.v1', PREFIX),
    slots,
    labels: readLabels(options.labels ?? {}),
    capabilities: readCapabilities(options.capabilities),
    drainTimeoutMs: durationInputMs(options.drainTimeout ?? 25_000, 'drainTimeout'),
    handleSignals: options.handleSignals ?? false,
    logger: options.logger ?? createStderrLogger(),
    nats: options.nats ?? {},
  };
}

function defaultId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 40);
  return `${host}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

function matching(option: string, value: string, rule: RegExp): string {
  if (rule.test(value)) return value;
  throw new TypeError(`${option}: ${JSON.stringify(value)} does not match ${rule.source}`);
}

function readLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) {
    throw new RangeError(`labels: ${entries.length} are more than ${MAX_LABELS}`);
  }
  for (const [key, value] of entries) {
    if (key.length < 1 || key.length > 63 || value.length > 255) {
      throw new RangeError(
        `labels: ${JSON.stringify(key)} breaks a limit: keys 1 to 63 characters, values at most 255`,
      );
    }
  }
  return { ...labels };
}

function readCapabilities(given: ExecutorOptions['capabilities']): ReadonlyMap<string, CapabilityOptions> {
  const capabilities = new Map<string, CapabilityOptions>();
  for (const [name, value] of Object.entries(given)) {
    if (!CAPABILITY.test(name) || name.length > MAX_CAPABILITY_LENGTH) {
      throw new TypeError(
        `capabilities: ${JSON.stringify(name)} is no dotted lower-case name of at most ${MAX_CAPABILITY_LENGTH} characters`,
      );
    }
    const capability = typeof value === 'function' ? { handler: value } : value;
    if (typeof capability.handler !== 'function') {
      throw new TypeError(`capabilities: ${name} has no handler`);
    }
    capabilities.set(name, capability);
  }
  if (capabilities.size < 1 || capabilities.size > MAX_CAPABILITIES) {
    throw new RangeError(`capabilities: give 1 to ${MAX_CAPABILITIES}, not ${capabilities.size}`);
  }
  return capabilities;
}
