// Who takes part? Tutti, and the peers that are named and can be run here. Who cannot is said, with the reason.

import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Peer, PeerModule } from './peers/peer.ts';
import { peers as own } from './tutti.ts';

export interface Entrant {
  readonly peer: Peer;
  /** What a round imports. */
  readonly module: string;
  /** Its own, outlives the command. */
  readonly cache: string;
}

export interface Entrants {
  readonly entrants: readonly Entrant[];
  readonly absent: readonly { readonly name: string; readonly why: string }[];
}

const PEERS = fileURLToPath(new URL('peers', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/bench-peers', import.meta.url));

/** The folders of peers: what `--against` may name, besides rows of theirs and "all". */
export function peerFolders(): string[] {
  return readdirSync(PEERS)
    .filter((name) => existsSync(join(PEERS, name, 'index.ts')))
    .sort();
}

/** The folder that a word of `--against` means; undefined for none. */
export function folderOf(word: string): string | undefined {
  return peerFolders()
    .filter((folder) => word === folder || word.startsWith(`${folder}-`))
    .at(-1);
}

/** @param words peers by their folder, or by the name of a row */
export async function findEntrants(words: readonly string[], say: (line: string) => void): Promise<Entrants> {
  const entrants: Entrant[] = own.map((peer) => ({
    peer,
    module: new URL('tutti.ts', import.meta.url).href,
    cache: CACHE,
  }));
  const absent: { name: string; why: string }[] = [];
  for (const folder of new Set(words.map(folderOf))) {
    if (folder === undefined) continue;
    const module = pathToFileURL(join(PEERS, folder, 'index.ts')).href;
    const loaded = await load(module);
    if (typeof loaded === 'string') {
      absent.push({ name: folder, why: loaded });
      continue;
    }
    for (const peer of loaded.peers) {
      if (!words.includes(folder) && !words.includes(peer.name)) continue;
      const cache = join(CACHE, folder);
      const why = await prepare(peer, cache, say);
      if (why === undefined) entrants.push({ peer, module, cache });
      else absent.push({ name: peer.name, why });
    }
    const names = loaded.peers.map(({ name }) => name);
    for (const word of words) {
      if (folderOf(word) !== folder || word === folder || names.includes(word)) continue;
      absent.push({ name: word, why: `${folder} has ${names.join(', ')} alone` });
    }
  }
  for (const { name, why } of absent) say(`${name} cannot be run here: ${why}`);
  return { entrants, absent };
}

/** The module, or why it does not load. */
async function load(module: string): Promise<PeerModule | string> {
  try {
    return (await import(module)) as PeerModule;
  } catch (error) {
    return firstLine(error);
  }
}

async function prepare(peer: Peer, cache: string, say: (line: string) => void): Promise<string | undefined> {
  try {
    await mkdir(cache, { recursive: true });
    return await peer.prepare(cache, say);
  } catch (error) {
    return firstLine(error);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
