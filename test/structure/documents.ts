// Do the documents name files that exist? A guide to the code that points at what was moved misleads.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SourceFile, Violation } from './source-file.ts';

/** In backticks, with a folder or the ending of a source file; no patterns, no flags, no addresses. */
const namedPath = /`((?:[\w.-]+\/)+[\w.-]*|[\w-]+(?:\.test)?\.(?:ts|txt|mjs|proto))`/g;
const linkedPath = /\]\((?!https?:|#)([^)#\s]+)/g;

/** Where a document's names may begin: beside it, in its sources, at the root, or in the transcripts. */
function beginnings(path: string): readonly string[] {
  const beside = dirname(path);
  return [beside, join(beside, 'src'), '.', join(beside, 'src/engine/transcripts')];
}

export function findDeadPaths(
  file: SourceFile,
  exists: (path: string) => boolean = existsSync,
): readonly Violation[] {
  if (!file.path.endsWith('ARCHITECTURE.md') && file.path !== 'README.md') return [];
  const isTour = file.path === 'README.md';
  return file.text.split('\n').flatMap((text, index) => {
    // What the tour of the README names, its reader makes.
    const named = isTour ? [] : [...text.matchAll(namedPath)].map((match) => match[1] ?? '');
    const linked = [...text.matchAll(linkedPath)].map((match) => match[1] ?? '');
    return [...named, ...linked]
      .filter((path) => !beginnings(file.path).some((from) => exists(join(from, path))))
      .map((path) => ({ path: file.path, line: index + 1, message: `names ${path}, which does not exist` }));
  });
}
