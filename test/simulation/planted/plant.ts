// How does a bug get into code that is loaded? A hook of the module loader changes the source text on its way,
// before its types are stripped. The file stays as it is.

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Mutation } from './mutation.ts';

type Change = Pick<Mutation, 'name' | 'file' | 'source' | 'replacement'>;

const ROOT = new URL('../../../services/orchestrator/src/', import.meta.url);

/** Throws where the snippet does not occur exactly once: the code has changed, and the mutation is empty. */
export function mutate(text: string, { name, file, source, replacement }: Change): string {
  const occurrences = text.split(source).length - 1;
  if (occurrences !== 1) {
    const message = `mutation "${name}": its snippet occurs ${occurrences} times in ${file}, and should once; choose it anew`;
    throw new Error(message);
  }
  return text.replace(source, () => replacement);
}

/** The text of the mutation's file, as it would be with it. */
export function mutatedText(mutation: Mutation): string {
  return mutate(readFileSync(fileURLToPath(new URL(mutation.file, ROOT)), 'utf8'), mutation);
}

/**
 * Called in a thread of its own, before it loads the code in question.
 * @returns whether the mutation is in place: false as long as its file was not loaded
 */
export function plant(mutation: Change): () => boolean {
  const { href } = new URL(mutation.file, ROOT);
  let planted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== href) return loaded;
      const { source } = loaded;
      if (source === undefined || source === null) throw new Error(`${url} was loaded without its source`);
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source);
      planted = true;
      return { ...loaded, source: mutate(text, mutation) };
    },
  });
  return () => planted;
}
