// How does a machine without nats-server come by one?
//
// In this order, each step only if the ones before did not do it: the official release with a pinned
// checksum; `go install` at the pinned version, which Go's own checksum database guards; the
// system's package manager, only where it asks for no password. Nothing enters the cache but by
// one atomic rename, so several processes may do this at once.

import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Environment, findOnPath, isExecutable, runCommand } from './command.ts';
import { cachedBinary, type FindOptions, findNatsServer, type NatsServerBinary, tryBinary } from './find.ts';
import { OLDEST_VERSION, PINNED_VERSION, RELEASE_SHA256 } from './version.ts';

export interface ObtainOptions extends FindOptions {
  /** Where releases are; the official place unless a mirror or a test says otherwise. */
  readonly releaseUrl?: string;
  /** By platform, such as `linux-amd64`. */
  readonly releaseSha256?: Readonly<Record<string, string>>;
  /** Unless given, this machine's. */
  readonly platform?: string;
  /** Aborted: it is not wanted any more. What runs for it is ended, and nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
}

const RELEASE_URL = 'https://github.com/nats-io/nats-server/releases/download';
const MODULE = 'github.com/nats-io/nats-server/v2';
const DOWNLOAD_TIMEOUT_MS = 120_000;
const BUILD_TIMEOUT_MS = 600_000;
const PACKAGE_TIMEOUT_MS = 300_000;
/** A release is about 7 MB; more than this is not one. */
const RELEASE_LIMIT_BYTES = 64 * 1024 * 1024;
/** Where package managers put binaries that an ordinary user's PATH may lack. */
const PACKAGE_FOLDERS = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * Finds or obtains one; throws one message that names what to install if every way fails, or the reason
 * of `signal`.
 */
export async function obtainNatsServer(options: ObtainOptions): Promise<NatsServerBinary> {
  const found = await findNatsServer(options);
  if (found !== undefined) {
    options.say(`nats-server: ${found.path} (v${found.version}, from ${found.source})`);
    return found;
  }
  options.say('nats-server: none found in TUTTI_NATS_SERVER, the PATH or the cache; obtaining one');
  const failures: string[] = [];
  for (const way of [fromRelease, fromGo, fromPackageManager]) {
    options.signal?.throwIfAborted();
    const outcome = await way(options).catch((error: unknown) => ({ failure: messageOf(error) }));
    options.signal?.throwIfAborted();
    if (!('failure' in outcome)) {
      options.say(`nats-server: obtained ${outcome.path} (v${outcome.version})`);
      return outcome;
    }
    options.say(`nats-server: ${outcome.failure}`);
    failures.push(outcome.failure);
  }
  throw new Error(
    `No nats-server was found, and none could be obtained (${failures.join('; ')}). ` +
      `Install nats-server ${OLDEST_VERSION} or newer (https://docs.nats.io/running-a-nats-service/introduction/installation) ` +
      'so that it is on the PATH, or name one with TUTTI_NATS_SERVER, or use a running server with --nats.',
  );
}

type Outcome = NatsServerBinary | { readonly failure: string };

async function fromRelease(options: ObtainOptions): Promise<Outcome> {
  const platform = options.platform ?? thisPlatform();
  const expected = (options.releaseSha256 ?? RELEASE_SHA256)[platform];
  if (expected === undefined) return { failure: `no release is pinned for ${platform}` };
  const name = `nats-server-v${PINNED_VERSION}-${platform}`;
  const url = `${options.releaseUrl ?? RELEASE_URL}/v${PINNED_VERSION}/${name}.tar.gz`;
  options.say(`nats-server: downloading ${url}`);
  const archive = await download(url, options.signal);
  if ('failure' in archive) return archive;
  const actual = createHash('sha256').update(archive.bytes).digest('hex');
  if (actual !== expected) {
    return { failure: `${url} has SHA-256 ${actual} and not the pinned ${expected}: refused` };
  }
  return await intoCache(options, 'release', async (folder) => {
    const file = join(folder, 'release.tar.gz');
    await writeFile(file, archive.bytes);
    const member = `${name}/nats-server`;
    const unpacked = await runCommand('tar', ['-xzf', file, '-C', folder, member], {
      env: options.env,
      timeoutMs: 60_000,
      signal: options.signal,
    });
    if (unpacked.exitCode !== 0)
      return { failure: `tar could not unpack ${url}: ${lastLine(unpacked.stderr)}` };
    return { path: join(folder, member) };
  });
}

async function download(
  url: string,
  signal: AbortSignal | undefined,
): Promise<{ bytes: Uint8Array } | { failure: string }> {
  try {
    const timeout = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    const response = await fetch(url, {
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    if (!response.ok || response.body === null) return { failure: `${url} answered ${response.status}` };
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of response.body) {
      sizeBytes += chunk.length;
      if (sizeBytes > RELEASE_LIMIT_BYTES) return { failure: `${url} is larger than any release` };
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks) };
  } catch (error) {
    return { failure: `${url} cannot be reached: ${messageOf(error)}` };
  }
}

async function fromGo(options: ObtainOptions): Promise<Outcome> {
  if (findOnPath('go', options.env) === undefined)
    return { failure: 'there is no go on the PATH to build it with' };
  options.say(`nats-server: go install ${MODULE}@v${PINNED_VERSION} (may take a minute)`);
  return await intoCache(options, 'go', async (folder) => {
    // Another target platform in the environment would make go refuse GOBIN, or build what does not run here.
    const env: Environment = { ...options.env, GOBIN: folder, GOOS: '', GOARCH: '', GOFLAGS: '' };
    const built = await runCommand('go', ['install', `${MODULE}@v${PINNED_VERSION}`], {
      env,
      timeoutMs: BUILD_TIMEOUT_MS,
      signal: options.signal,
      cwd: folder,
    });
    if (built.exitCode !== 0) return { failure: `go install failed: ${lastLine(built.stderr)}` };
    return { path: join(folder, 'nats-server') };
  });
}

async function fromPackageManager(options: ObtainOptions): Promise<Outcome> {
  const { env } = options;
  const run = (command: string, args: readonly string[]) =>
    runCommand(command, args, {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: PACKAGE_TIMEOUT_MS,
      signal: options.signal,
    });
  if (findOnPath('brew', env) !== undefined) {
    options.say('nats-server: brew install nats-server');
    const installed = await run('brew', ['install', 'nats-server']);
    if (installed.exitCode !== 0) return { failure: `brew install failed: ${lastLine(installed.stderr)}` };
    return await fromPackage(options, 'brew');
  }
  if (findOnPath('apt-get', env) === undefined) return { failure: 'there is neither brew nor apt-get' };
  const prefix = await withoutPassword(env);
  if (prefix === undefined) return { failure: 'apt-get would ask for a password' };
  const apt = async (...args: string[]) => {
    const [command = 'apt-get', ...rest] = [...prefix, 'apt-get', ...args];
    options.say(`nats-server: apt-get ${args.join(' ')}`);
    return await run(command, rest);
  };
  const install = ['install', '--yes', '--no-install-recommends', 'nats-server'];
  let installed = await apt(...install);
  if (installed.exitCode !== 0) {
    await apt('update');
    installed = await apt(...install);
  }
  if (installed.exitCode !== 0) return { failure: `apt-get install failed: ${lastLine(installed.stderr)}` };
  return await fromPackage(options, 'apt-get');
}

async function fromPackage(options: ObtainOptions, manager: string): Promise<Outcome> {
  const candidates = [
    findOnPath('nats-server', options.env),
    ...PACKAGE_FOLDERS.map((folder) => join(folder, 'nats-server')),
  ];
  for (const path of candidates) {
    if (path === undefined || !isExecutable(path)) continue;
    const found = await tryBinary(path, 'package manager', options);
    if (found !== undefined) return found;
  }
  return { failure: `${manager} installed no nats-server that serves` };
}

/** What to put before a command that needs root; undefined if that would ask for a password. */
async function withoutPassword(env: Environment): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  const probe = await runCommand('sudo', ['-n', 'true'], { env, timeoutMs: 10_000 });
  return probe.exitCode === 0 ? ['sudo', '-n'] : undefined;
}

/** Lets `make` work in a folder of its own, and moves what it made into the cache if it serves. */
async function intoCache(
  options: ObtainOptions,
  source: NatsServerBinary['source'],
  make: (folder: string) => Promise<{ path: string } | { failure: string }>,
): Promise<Outcome> {
  await mkdir(options.cacheFolder, { recursive: true });
  const folder = await mkdtemp(join(options.cacheFolder, 'obtaining-'));
  try {
    const made = await make(folder);
    if ('failure' in made) return made;
    await chmod(made.path, 0o755);
    const checked = await tryBinary(made.path, source, options);
    if (checked === undefined) return { failure: `what the ${source} gave does not serve` };
    const target = cachedBinary(options.cacheFolder);
    await mkdir(dirname(target), { recursive: true });
    await rename(made.path, target);
    return { ...checked, path: target };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function thisPlatform(): string {
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
  return `${process.platform}-${architectures[process.arch] ?? process.arch}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
