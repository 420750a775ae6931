// Which nats-server serves, and which one is obtained if there is none?

import { type Environment, runCommand } from './command.ts';

/** Core NATS with headers is all that is used. */
export const OLDEST_VERSION = '2.9.0';

/** What is obtained where none is found. Change it together with RELEASE_SHA256. */
export const PINNED_VERSION = '2.14.5';

/**
 * Of the official `nats-server-v{PINNED_VERSION}-{platform}.tar.gz`. The two of Linux stand in the
 * official images' Dockerfile (github.com/nats-io/nats-docker, 2.14.x/alpine3.22); those of macOS are
 * the release's SHA256SUMS as several independent projects pin them. A wrong one could only refuse
 * a release, never let a false one in.
 */
export const RELEASE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
  'linux-arm64': '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
  'darwin-amd64': 'f95c98d6b6ed2b63c5681b46b092c9585c99767d547cf495730c329234625e96',
  'darwin-arm64': 'ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50',
};

export type VersionCheck =
  | { readonly usable: true; readonly version: string }
  | { readonly usable: false; readonly problem: string };

/** Asks a binary for its version; a binary that does not answer as nats-server does is not one. */
export async function checkVersion(path: string, env: Environment): Promise<VersionCheck> {
  const result = await runCommand(path, ['--version'], { env, timeoutMs: 20_000 });
  const version = /nats-server:\s+v?(\d+\.\d+\.\d+\S*)/.exec(`${result.stdout}\n${result.stderr}`)?.[1];
  if (result.exitCode !== 0 || version === undefined) {
    return { usable: false, problem: `${path} does not answer to --version as nats-server does` };
  }
  if (isOlder(version, OLDEST_VERSION)) {
    return {
      usable: false,
      problem: `${path} is nats-server ${version}, and ${OLDEST_VERSION} or newer is needed`,
    };
  }
  return { usable: true, version };
}

/** Compares major, minor and patch; what follows a hyphen does not count. */
export function isOlder(version: string, than: string): boolean {
  const left = numbersOf(version);
  const right = numbersOf(than);
  for (const [index, wanted] of right.entries()) {
    const found = left[index] ?? 0;
    if (found !== wanted) return found < wanted;
  }
  return false;
}

function numbersOf(version: string): readonly number[] {
  return (version.split('-')[0] ?? '').split('.').map(Number);
}
