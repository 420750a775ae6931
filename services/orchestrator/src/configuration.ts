// What the orchestrator process is told: flags, each with an environment variable beside it. The flag
// wins. A wrong one gets a message that names it, the value and what is allowed.

import { parseArgs } from 'node:util';

export interface Configuration {
  /** Where the state is kept. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 for a free one. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Empty: start a nats-server beside the orchestrator. */
  readonly natsServers: readonly string[];
  /** Where that one listens. It asks nobody for credentials. */
  readonly natsHost: string;
  readonly natsPrefix: string;
  readonly natsCredsFile: string | undefined;
  readonly natsUser: string | undefined;
  readonly natsPassword: string | undefined;
  readonly natsToken: string | undefined;
  readonly natsCaFile: string | undefined;
  readonly natsCertFile: string | undefined;
  readonly natsKeyFile: string | undefined;
  /** Browsers from these origins may call; `*` for any. */
  readonly corsOrigins: readonly string[];
  /** Names by which the HTTP door may be called although it listens on this machine only; `*` for any. */
  readonly allowedHosts: readonly string[];
  readonly leaseDurationMs: number;
  /** Of a payload that is stored apart. */
  readonly maxStoredPayloadBytes: number;
  /** How long such a one is kept after it was used, if nothing refers to it. */
  readonly payloadGraceMs: number;
  /** How long final runs are kept in namespaces that have not said so; undefined: for ever. */
  readonly runRetentionMs: number | undefined;
  /** Of one namespace: tasks of runs that are not final. */
  readonly maxActiveTasks: number;
  /** Open watches, waits included. */
  readonly maxWatchers: number;
  /** Of requests for more work that are not answered yet. */
  readonly maxPendingBytes: number;
  /** Above it more work is refused while the process has no time to spare. */
  readonly maxBusyReadyTasks: number;
  /** From the signal to the end of the process. */
  readonly shutdownGraceMs: number;
  readonly logLevel: string;
  /** End when the standard input does: whoever started this process is gone then. */
  readonly exitWithParent: boolean;
}

export type ConfigurationResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly message: string };

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  readonly variable: string;
  readonly preset: string;
  readonly help: string;
}

const LOG_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const SETTINGS = {
  data: { variable: 'TUTTI_DATA', preset: './.tutti', help: 'folder of the state' },
  host: { variable: 'TUTTI_HOST', preset: '127.0.0.1', help: 'address to listen on' },
  'grpc-port': { variable: 'TUTTI_GRPC_PORT', preset: '7420', help: '0 for a free one' },
  'http-port': { variable: 'TUTTI_HTTP_PORT', preset: '7421', help: '0 for a free one' },
  nats: {
    variable: 'TUTTI_NATS_URL',
    preset: '',
    help: 'servers, separated by commas; empty: start one here',
  },
  'nats-host': {
    variable: 'TUTTI_NATS_HOST',
    preset: '127.0.0.1',
    help: 'where the one started here listens; it asks nobody for credentials, so not beyond what you trust',
  },
  'nats-prefix': { variable: 'TUTTI_NATS_PREFIX', preset: 'tutti.v1', help: 'first part of every subject' },
  'nats-creds': { variable: 'TUTTI_NATS_CREDS', preset: '', help: 'a .creds file' },
  'nats-ca': { variable: 'TUTTI_NATS_CA', preset: '', help: 'certificate authority for TLS, a file' },
  'nats-cert': { variable: 'TUTTI_NATS_CERT', preset: '', help: 'client certificate for TLS, a file' },
  'nats-key': { variable: 'TUTTI_NATS_KEY', preset: '', help: 'key of the client certificate, a file' },
  'cors-origins': {
    variable: 'TUTTI_CORS_ORIGINS',
    preset: '',
    help: 'origins of browsers, separated by commas',
  },
  'allowed-hosts': {
    variable: 'TUTTI_ALLOWED_HOSTS',
    preset: '',
    help: 'names for the HTTP door besides localhost (behind a proxy, say), separated by commas; * for any',
  },
  'lease-duration-ms': {
    variable: 'TUTTI_LEASE_DURATION_MS',
    preset: '15000',
    help: 'silence after which an executor is lost: 300 to 3600000',
  },
  'max-stored-payload-bytes': {
    variable: 'TUTTI_MAX_STORED_PAYLOAD_BYTES',
    preset: '67108864',
    help: 'the largest payload: 262144 to 536870912; what is above 262144 is stored apart',
  },
  'payload-grace-ms': {
    variable: 'TUTTI_PAYLOAD_GRACE_MS',
    preset: '86400000',
    help: 'how long a payload that no run refers to is kept after its last use: 60000 to 31536000000',
  },
  'run-retention-ms': {
    variable: 'TUTTI_RUN_RETENTION_MS',
    preset: '0',
    help: 'how long final runs are kept where their namespace says nothing: 1000 to 315360000000; 0: for ever',
  },
  'max-active-tasks': {
    variable: 'TUTTI_MAX_ACTIVE_TASKS',
    preset: '2000000',
    help: 'tasks of runs that are not final, in one namespace: 1 to 10000000; each takes 1 to 5 KB of memory',
  },
  'max-watchers': {
    variable: 'TUTTI_MAX_WATCHERS',
    preset: '10000',
    help: 'open watches, waits for runs included: 1 to 100000',
  },
  'max-pending-bytes': {
    variable: 'TUTTI_MAX_PENDING_BYTES',
    preset: '67108864',
    help: 'of requests for more work that are not answered yet: 1048576 to 1073741824',
  },
  'max-busy-ready-tasks': {
    variable: 'TUTTI_MAX_BUSY_READY_TASKS',
    preset: '20000',
    help: 'ready tasks above which more work is refused while there is no time to spare: 1 to 10000000',
  },
  'shutdown-grace-ms': {
    variable: 'TUTTI_SHUTDOWN_GRACE_MS',
    preset: '25000',
    help: 'how long it may take to leave when it is told to: 1000 to 3600000',
  },
  'log-level': { variable: 'TUTTI_LOG_LEVEL', preset: 'info', help: LOG_LEVELS.join(', ') },
} as const satisfies Record<string, Setting>;

type Name = keyof typeof SETTINGS;

export function readConfiguration(flags: readonly string[], environment: Environment): ConfigurationResult {
  try {
    return { ok: true, configuration: parse(flags, environment) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

export function usage(): string {
  const lines = Object.entries(SETTINGS).map(
    ([name, { variable, preset, help }]) => `  --${name}  ${help} (${variable}, default '${preset}')`,
  );
  return ['The Tutti orchestrator.', ...lines, '  --exit-with-parent  end when the standard input does'].join(
    '\n',
  );
}

function parse(flags: readonly string[], environment: Environment): Configuration {
  const strings = Object.keys(SETTINGS).map((name) => [name, { type: 'string' as const }]);
  const values: Readonly<Record<string, unknown>> = parseArgs({
    args: [...flags],
    options: { ...Object.fromEntries(strings), 'exit-with-parent': { type: 'boolean' } },
  }).values;
  const text = (name: Name): string => {
    const flag = values[name];
    return typeof flag === 'string' ? flag : (environment[SETTINGS[name].variable] ?? SETTINGS[name].preset);
  };
  const whole = (name: Name, least: number, most: number) => integer(name, text(name), least, most);
  const file = (name: Name): string | undefined => (text(name) === '' ? undefined : text(name));
  return {
    dataFolder: text('data'),
    host: text('host'),
    grpcPort: integer('grpc-port', text('grpc-port'), 0, 65_535),
    httpPort: integer('http-port', text('http-port'), 0, 65_535),
    natsServers: list(text('nats')).map(natsServer),
    natsHost: text('nats-host'),
    natsPrefix: text('nats-prefix'),
    natsCredsFile: file('nats-creds'),
    natsUser: environment.TUTTI_NATS_USER,
    natsPassword: environment.TUTTI_NATS_PASSWORD,
    natsToken: environment.TUTTI_NATS_TOKEN,
    natsCaFile: file('nats-ca'),
    natsCertFile: file('nats-cert'),
    natsKeyFile: file('nats-key'),
    corsOrigins: list(text('cors-origins')),
    allowedHosts: list(text('allowed-hosts')),
    leaseDurationMs: integer('lease-duration-ms', text('lease-duration-ms'), 300, 3_600_000),
    maxStoredPayloadBytes: integer(
      'max-stored-payload-bytes',
      text('max-stored-payload-bytes'),
      262_144,
      536_870_912,
    ),
    payloadGraceMs: integer('payload-grace-ms', text('payload-grace-ms'), 60_000, 31_536_000_000),
    runRetentionMs: retention(text('run-retention-ms')),
    maxActiveTasks: whole('max-active-tasks', 1, 10_000_000),
    maxWatchers: whole('max-watchers', 1, 100_000),
    maxPendingBytes: whole('max-pending-bytes', 1_048_576, 1_073_741_824),
    maxBusyReadyTasks: whole('max-busy-ready-tasks', 1, 10_000_000),
    shutdownGraceMs: whole('shutdown-grace-ms', 1_000, 3_600_000),
    logLevel: oneOf('log-level', text('log-level'), LOG_LEVELS),
    exitWithParent: values['exit-with-parent'] === true,
  };
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`--${name} is '${text}': give a whole number from ${least} to ${most}`);
}

function retention(text: string): number | undefined {
  return text === '0' ? undefined : integer('run-retention-ms', text, 1_000, 315_360_000_000);
}

function oneOf(name: string, text: string, allowed: readonly string[]): string {
  if (allowed.includes(text)) return text;
  throw new Error(`--${name} is '${text}': give one of ${allowed.join(', ')}`);
}

/** `nats://host:4222`, `tls://host`, or without a scheme; anything else would be tried for ever. */
function natsServer(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`);
  const isServer = url !== null && ['nats:', 'tls:'].includes(url.protocol) && url.hostname !== '';
  if (isServer && ['', '/'].includes(url.pathname) && url.search === '' && url.hash === '') return text;
  // A password may stand before the @, and messages end up in logs.
  const shown = text.replace(/\/\/.*@/, '//***@');
  throw new Error(`--nats is '${shown}': give servers such as nats://127.0.0.1:4222, separated by commas`);
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
