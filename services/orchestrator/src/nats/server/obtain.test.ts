// DESIGN 5: nats-server is looked for in TUTTI_NATS_SERVER, the PATH and the cache, and obtained by
// release, go or package manager, in this order; one clear message if all of it fails.

import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findOnPath, runCommand } from './command.ts';
import { cachedBinary } from './find.ts';
import { type ObtainOptions, obtainNatsServer } from './obtain.ts';
import { isOlder, PINNED_VERSION } from './version.ts';

const UNREACHABLE = 'http://127.0.0.1:9';

let root: string;
let bin: string;
let said: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tutti-obtain-'));
  bin = join(root, 'bin');
  await mkdir(bin);
  // All that the PATH offers is what a test puts there, and these.
  for (const tool of ['sh', 'cat', 'chmod', 'tar', 'gzip', 'mkdir', 'sleep']) {
    const path = findOnPath(tool, process.env);
    if (path !== undefined) await symlink(path, join(bin, tool));
  }
  said = [];
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function options(overrides: Partial<ObtainOptions> = {}, env: Record<string, string> = {}): ObtainOptions {
  return {
    env: { PATH: bin, ...env },
    cacheFolder: join(root, 'cache'),
    say: (line) => said.push(line),
    releaseUrl: UNREACHABLE,
    platform: 'linux-amd64',
    ...overrides,
  };
}

async function script(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const fakeServer = (version: string) => `echo "nats-server: v${version}"`;

describe('finding', () => {
  test('TUTTI_NATS_SERVER comes before the PATH, the PATH before the cache', async () => {
    const named = await script(join(root, 'named'), fakeServer('2.11.0'));
    const onPath = await script(join(bin, 'nats-server'), fakeServer('2.10.1'));
    const cached = await script(cachedBinary(join(root, 'cache')), fakeServer('2.14.5'));
    const first = await obtainNatsServer(options({}, { TUTTI_NATS_SERVER: named }));
    expect(first).toEqual({ path: named, version: '2.11.0', source: 'TUTTI_NATS_SERVER' });
    const second = await obtainNatsServer(options());
    expect(second).toEqual({ path: onPath, version: '2.10.1', source: 'PATH' });
    await rm(onPath);
    expect(await obtainNatsServer(options())).toEqual({ path: cached, version: '2.14.5', source: 'cache' });
  });

  test('one on the PATH that is too old is passed over, and that is said', async () => {
    await script(join(bin, 'nats-server'), fakeServer('2.8.4'));
    const cached = await script(cachedBinary(join(root, 'cache')), fakeServer('2.14.5'));
    expect((await obtainNatsServer(options())).path).toBe(cached);
    expect(said.join('\n')).toContain('2.8.4, and 2.9.0 or newer is needed');
  });

  test.each([
    ['that is missing', undefined],
    ['that is too old', fakeServer('2.2.0')],
    ['that is something else', 'echo hello'],
    ['that fails', `${fakeServer('2.14.5')}; exit 3`],
  ])('TUTTI_NATS_SERVER %s is an error, not a reason to take another', async (_what, body) => {
    await script(join(bin, 'nats-server'), fakeServer('2.14.5'));
    const named = join(root, 'named');
    if (body !== undefined) await script(named, body);
    await expect(obtainNatsServer(options({}, { TUTTI_NATS_SERVER: named }))).rejects.toThrow(
      /TUTTI_NATS_SERVER cannot be used: .*named/,
    );
  });

  test('versions are compared as numbers', () => {
    expect(isOlder('2.10.0', '2.9.0')).toBe(false);
    expect(isOlder('2.9.0', '2.9.0')).toBe(false);
    expect(isOlder('2.8.99', '2.9.0')).toBe(true);
    expect(isOlder('2.14.0-RC.1', '2.9.0')).toBe(false);
    expect(isOlder('1.99.0', '2.9.0')).toBe(true);
  });
});

describe('obtaining', () => {
  test('a release whose checksum is the pinned one goes into the cache', async () => {
    const archive = await packRelease(fakeServer(PINNED_VERSION));
    await withServer(archive, async (releaseUrl) => {
      const releaseSha256 = { 'linux-amd64': createHash('sha256').update(archive).digest('hex') };
      const binary = await obtainNatsServer(options({ releaseUrl, releaseSha256 }));
      const path = cachedBinary(join(root, 'cache'));
      expect(binary).toEqual({ path, version: PINNED_VERSION, source: 'release' });
    });
    // Found again without a network, and nothing half-done is left.
    expect((await obtainNatsServer(options())).source).toBe('cache');
    expect(await readdir(join(root, 'cache'))).toEqual([`v${PINNED_VERSION}`]);
  });

  test('a release with another checksum is refused and never run', async () => {
    const archive = await packRelease(`echo ran > ${join(root, 'ran')}; ${fakeServer(PINNED_VERSION)}`);
    await withServer(archive, async (releaseUrl) => {
      const releaseSha256 = { 'linux-amd64': '0'.repeat(64) };
      await expect(obtainNatsServer(options({ releaseUrl, releaseSha256 }))).rejects.toThrow(
        /SHA-256 .* not the pinned/,
      );
    });
    expect(await readdir(root)).not.toContain('ran');
    expect(await readdir(join(root, 'cache')).catch(() => [])).toEqual([]);
  });

  test('without a release, go builds the pinned version into the cache', async () => {
    await script(
      join(bin, 'go'),
      `echo "$@" > ${join(root, 'go-args')}
       printf '#!/bin/sh\\necho "nats-server: v${PINNED_VERSION}"\\n' > "$GOBIN/nats-server"`,
    );
    const binary = await obtainNatsServer(options());
    expect(binary.source).toBe('go');
    expect(binary.path).toBe(cachedBinary(join(root, 'cache')));
    const args = await readFile(join(root, 'go-args'), 'utf8');
    expect(args.trim()).toBe(`install github.com/nats-io/nats-server/v2@v${PINNED_VERSION}`);
  });

  test('who does not want it any more ends what runs for it, and leaves nothing behind', async () => {
    await script(join(bin, 'go'), `echo $$ > ${join(root, 'go-pid')}\nexec sleep 60`);
    const ending = new AbortController();
    const obtaining = obtainNatsServer(options({ signal: ending.signal }));
    const rejected = expect(obtaining).rejects.toThrow('not wanted any more');
    const pid = await contentOf(join(root, 'go-pid'));
    ending.abort(new Error('not wanted any more'));
    await rejected;
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    expect(await readdir(join(root, 'cache'))).toEqual([]);
    expect(said.at(-1)).toContain('go install');
  });

  test('a platform without a pinned release goes on to go', async () => {
    await script(
      join(bin, 'go'),
      `printf '#!/bin/sh\\n${fakeServer(PINNED_VERSION)}\\n' > "$GOBIN/nats-server"`,
    );
    expect((await obtainNatsServer(options({ platform: 'plan9-mips' }))).source).toBe('go');
    expect(said.join('\n')).toContain('no release is pinned for plan9-mips');
  });

  test('the package manager is the last way, and is refreshed once', async () => {
    await script(join(bin, 'go'), 'echo "no network" >&2; exit 1');
    await script(join(bin, 'sudo'), 'shift; exec "$@"');
    await script(join(bin, 'true'), 'exit 0');
    await script(
      join(bin, 'apt-get'),
      `if [ "$1" = update ]; then echo yes > ${join(root, 'updated')}; exit 0; fi
       [ -f ${join(root, 'updated')} ] || exit 100
       printf '#!/bin/sh\\n${fakeServer('2.9.10')}\\n' > ${join(bin, 'nats-server')}
       chmod 755 ${join(bin, 'nats-server')}`,
    );
    expect(await obtainNatsServer(options())).toEqual({
      path: join(bin, 'nats-server'),
      version: '2.9.10',
      source: 'package manager',
    });
  });

  test('when every way fails, one message says what was tried and what to install', async () => {
    const error = await obtainNatsServer(options()).catch((failure: Error) => failure);
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).toContain('cannot be reached');
    expect(message).toContain('no go on the PATH');
    expect(message).toContain('neither brew nor apt-get');
    expect(message).toContain('Install nats-server 2.9.0 or newer');
    expect(message).toContain('TUTTI_NATS_SERVER');
  });
});

/** Of a file that another process is about to write. */
async function contentOf(path: string): Promise<string> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const content = await readFile(path, 'utf8').catch(() => '');
    if (content.endsWith('\n')) return content.trim();
    if (performance.now() > deadline) throw new Error(`nobody wrote ${path}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function packRelease(body: string): Promise<Buffer> {
  const name = `nats-server-v${PINNED_VERSION}-linux-amd64`;
  await script(join(root, 'release', name, 'nats-server'), body);
  const file = join(root, 'release.tar.gz');
  const packed = await runCommand('tar', ['-czf', file, '-C', join(root, 'release'), name], {
    env: process.env,
    timeoutMs: 10_000,
  });
  expect(packed.exitCode).toBe(0);
  return await readFile(file);
}

async function withServer(body: Buffer, use: (url: string) => Promise<void>): Promise<void> {
  const server: Server = createServer((request, response) => {
    const wanted = `/v${PINNED_VERSION}/nats-server-v${PINNED_VERSION}-linux-amd64.tar.gz`;
    response.writeHead(request.url === wanted ? 200 : 404).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
