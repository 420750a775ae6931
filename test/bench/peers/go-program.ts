// How are the Go programs of a peer built, into its own cache?

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

type Say = (line: string) => void;

const KEPT_CHARACTERS = 2_000;

/** Builds the program of the module in `folder`; its go.sum says what may be compiled in. Why not, if it fails. */
export async function goBuild(folder: URL, output: string, say: Say): Promise<string | undefined> {
  const path = fileURLToPath(folder);
  if (!existsSync(output)) say(`go build of ${path}, which takes a while for the first time`);
  // Also when it is there: Go knows what has changed since.
  return await go(['build', '-trimpath', '-o', output, '.'], path, {});
}

/** Installs published programs of pinned versions into `folder`; Go's checksum database vouches for them. */
export async function goInstall(
  programs: readonly string[],
  folder: string,
  say: Say,
): Promise<string | undefined> {
  say(`go install ${programs.join(' ')}, which takes some minutes`);
  // Where there is no such folder, the system says that there is no such program.
  await mkdir(folder, { recursive: true });
  return await go(['install', ...programs], folder, { GOBIN: folder });
}

async function go(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const child = spawn('go', args, {
    cwd,
    env: { ...process.env, GOFLAGS: '-buildvcs=false', GOTOOLCHAIN: 'local', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = `${said}${chunk}`.slice(-KEPT_CHARACTERS);
  });
  try {
    const [code] = await once(child, 'close');
    return code === 0 ? undefined : `go ${args[0]} failed: ${said.trim().split('\n').slice(-2).join(' ')}`;
  } catch {
    return 'no go toolchain';
  }
}
