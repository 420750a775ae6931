// What did whoever started this executor ask for?
//
// A flag wins over its environment variable. Everything that lets a task reach beyond its own data
// (files, programs, private addresses) is off until it is named here.

import { isAbsolute, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isAddressRange } from './network/address-guard.ts';

export interface Configuration {
  readonly executorId: string | undefined;
  readonly natsUrl: string;
  readonly namespace: string;
  readonly slots: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: all that the rest of the configuration makes possible. */
  readonly capabilities: readonly string[] | undefined;
  readonly readFolder: string | undefined;
  readonly writeFolder: string | undefined;
  /** Name -> absolute path. */
  readonly commands: ReadonlyMap<string, string>;
  /** Ranges that http.request may connect to besides public addresses. */
  readonly allowedAddresses: readonly string[];
  readonly drainTimeoutMs: number;
  readonly exitWithParent: boolean;
  readonly logLevel: string;
}

export type ConfigurationResult =
  | { readonly type: 'Run'; readonly configuration: Configuration }
  | { readonly type: 'Help'; readonly text: string }
  | { readonly type: 'Refused'; readonly message: string };

export const help = `usage: node services/executor/src/main.ts [options]

Performs tasks for a Tutti orchestrator. Prints {"executor":"ID"} on stdout once it takes work; logs go
to stderr. SIGTERM or SIGINT: finishes what it holds, then ends; a second one: gives it back and ends.

  --nats URL[,URL]       TUTTI_NATS_URL                   default nats://127.0.0.1:4222
  --namespace NAME       TUTTI_NAMESPACE                  default "default"
  --id ID                TUTTI_EXECUTOR_ID                default: made up
  --slots N              TUTTI_EXECUTOR_SLOTS             attempts at once, default 16
  --label KEY=VALUE      TUTTI_EXECUTOR_LABELS            repeatable; in the variable separated by commas
  --capabilities A,B     TUTTI_EXECUTOR_CAPABILITIES      default: all that are possible
  --read-folder DIR      TUTTI_EXECUTOR_READ_FOLDER       files that text.stats may read; default none
  --write-folder DIR     TUTTI_EXECUTOR_WRITE_FOLDER      where chart.svg may write; default nowhere
  --allow-command N=PATH TUTTI_EXECUTOR_COMMANDS          a program for command.run; default none
  --allow-address CIDR   TUTTI_EXECUTOR_ALLOWED_ADDRESSES private range for http.request; default none
  --drain-timeout S      TUTTI_EXECUTOR_DRAIN_TIMEOUT     seconds for attempts to end, default 25
  --log-level LEVEL      TUTTI_LOG_LEVEL                  debug, info, warn, error; default info
  --exit-with-parent     end when stdin ends
`;

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'];
const MAX_SLOTS = 10_000;
const MAX_DRAIN_SECONDS = 24 * 60 * 60;

class Refusal extends Error {}

export function readConfiguration(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ConfigurationResult {
  try {
    const flags = parseFlags(args);
    if (flags.help === true) return { type: 'Help', text: help };
    return { type: 'Run', configuration: read(flags, env) };
  } catch (error) {
    if (error instanceof Refusal) return { type: 'Refused', message: error.message };
    throw error;
  }
}

function parseFlags(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        nats: text,
        namespace: text,
        id: text,
        slots: text,
        label: texts,
        capabilities: text,
        'read-folder': text,
        'write-folder': text,
        'allow-command': texts,
        'allow-address': texts,
        'drain-timeout': text,
        'log-level': text,
        'exit-with-parent': flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error));
  }
}

function read(
  flags: ReturnType<typeof parseFlags>,
  env: Readonly<Record<string, string | undefined>>,
): Configuration {
  const one = (flag: string | undefined, name: string): string | undefined =>
    flag ?? (env[name] || undefined);
  const many = (flag: readonly string[] | undefined, name: string): readonly string[] =>
    flag ?? list(env[name]) ?? [];
  const level = one(flags['log-level'], 'TUTTI_LOG_LEVEL') ?? 'info';
  if (!LOG_LEVELS.includes(level)) {
    throw new Refusal(`--log-level ${level}: one of ${LOG_LEVELS.join(', ')}`);
  }
  const drain = one(flags['drain-timeout'], 'TUTTI_EXECUTOR_DRAIN_TIMEOUT') ?? '25';
  return {
    executorId: one(flags.id, 'TUTTI_EXECUTOR_ID'),
    natsUrl: one(flags.nats, 'TUTTI_NATS_URL') ?? 'nats://127.0.0.1:4222',
    namespace: one(flags.namespace, 'TUTTI_NAMESPACE') ?? 'default',
    slots: wholeNumber('--slots', one(flags.slots, 'TUTTI_EXECUTOR_SLOTS') ?? '16', 1, MAX_SLOTS),
    labels: Object.fromEntries(pairs('--label', many(flags.label, 'TUTTI_EXECUTOR_LABELS'))),
    capabilities: list(one(flags.capabilities, 'TUTTI_EXECUTOR_CAPABILITIES')),
    readFolder: folder(one(flags['read-folder'], 'TUTTI_EXECUTOR_READ_FOLDER')),
    writeFolder: folder(one(flags['write-folder'], 'TUTTI_EXECUTOR_WRITE_FOLDER')),
    commands: readCommands(many(flags['allow-command'], 'TUTTI_EXECUTOR_COMMANDS')),
    allowedAddresses: many(flags['allow-address'], 'TUTTI_EXECUTOR_ALLOWED_ADDRESSES').map(readAddress),
    drainTimeoutMs: wholeNumber('--drain-timeout', drain, 0, MAX_DRAIN_SECONDS) * 1000,
    exitWithParent: flags['exit-with-parent'] ?? false,
    logLevel: level,
  };
}

function list(text: string | undefined): readonly string[] | undefined {
  if (text === undefined || text === '') return undefined;
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function folder(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Refusal(`${flag} ${text}: a whole number from ${least} to ${most}`);
}

function pairs(flag: string, entries: readonly string[]): readonly (readonly [string, string])[] {
  return entries.map((entry) => {
    const at = entry.indexOf('=');
    if (at < 1) throw new Refusal(`${flag} ${entry}: write it as NAME=VALUE`);
    return [entry.slice(0, at), entry.slice(at + 1)];
  });
}

function readCommands(entries: readonly string[]): ReadonlyMap<string, string> {
  const commands = new Map(pairs('--allow-command', entries));
  for (const [name, path] of commands) {
    if (!isAbsolute(path)) throw new Refusal(`--allow-command ${name}=${path}: the path must be absolute`);
  }
  return commands;
}

function readAddress(text: string): string {
  if (isAddressRange(text)) return text;
  throw new Refusal(`--allow-address ${text}: an address or a range such as 10.0.0.0/8`);
}
