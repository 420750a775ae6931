// Which version of a package is installed for the peers, and where is it?

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A file of the package; undefined if it is not there. */
export function fileOf(name: string, path: string): string | undefined {
  const file = fileURLToPath(new URL(`../node_modules/${name}/${path}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}

export function versionOf(name: string): string {
  const file = fileOf(name, 'package.json');
  if (file === undefined) throw new Error(`${name} is not installed: npm ci in test/bench`);
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
}
