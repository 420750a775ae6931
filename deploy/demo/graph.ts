// Which tasks answer the question "what texts does this repository consist of"?
//
// - `text.stats` for each file;
// - `text.merge` for each folder, after its files and the folders in it;
// - `chart.svg` at the end, after the folders that are shown.
//
// A file that turns out not to be a text fails its own task only: its folder waits for FINISHED, merges
// what there is, and so handles the failure.

import type { RunInput, TaskInput } from '@tutti/client';

export interface Graph {
  readonly run: RunInput;
  /** The task that merges the whole repository. */
  readonly totalKey: string;
  readonly chartKey: string;
  /** Folders that are shown, in order, and the tasks that merge them. They do not overlap. */
  readonly areas: readonly { readonly folder: string; readonly key: string }[];
}

interface Folder {
  readonly path: string;
  readonly files: string[];
  readonly folders: Folder[];
}

const chartKey = 'chart';
/** More bars cannot be read. */
const maxBars = 20;

/** @param files paths from the root, with slashes; at least one. */
export function buildGraph(files: readonly string[], chartFile: string): Graph {
  const root = buildTree(files);
  const keys = createKeys();
  const tasks: TaskInput[] = [];
  const totalKey = addFolder(root, undefined, keys, tasks);
  const areas = areasOf(root).map((folder) => ({ folder: folder.path, key: keys.of('merge', folder.path) }));
  tasks.push({
    key: chartKey,
    capability: 'chart.svg',
    dependencies: areas.map((area) => area.key),
    input: {
      title: 'Lines of text by folder',
      field: 'lines',
      labels: Object.fromEntries(areas.map((area) => [area.key, area.folder])),
      top: maxBars,
      path: chartFile,
    },
  });
  const labels = { demo: 'text-statistics' };
  return { run: { name: 'texts of this repository', labels, tasks }, totalKey, chartKey, areas };
}

/** Adds the tasks of a folder and of all that is in it. Returns the key of its merge. */
function addFolder(folder: Folder, parent: string | undefined, keys: Keys, tasks: TaskInput[]): string {
  const key = keys.of('merge', folder.path);
  const files = folder.files.map(
    (path): TaskInput => ({
      key: keys.of('stats', path),
      capability: 'text.stats',
      parent: key,
      input: { path },
      retry: { maxAttempts: 3, initialDelay: '100ms', nonRetryableCodes: ['NOT_A_TEXT', 'FILE_TOO_LARGE'] },
    }),
  );
  tasks.push(...files);
  const inner = folder.folders.map((child) => addFolder(child, key, keys, tasks));
  tasks.push({
    key,
    capability: 'text.merge',
    // Groups the tree as the folders do; it orders nothing.
    ...(parent !== undefined && { parent }),
    dependencies: [
      ...files.map((file) => ({ key: file.key ?? '', condition: 'FINISHED' as const })),
      ...inner,
    ],
  });
  return key;
}

/** Folders of the second level where there are any, else of the first. */
function areasOf(root: Folder): Folder[] {
  const areas = root.folders.flatMap((first) => (first.folders.length > 0 ? first.folders : [first]));
  return areas.length > 0 ? areas : [root];
}

function buildTree(files: readonly string[]): Folder {
  const root: Folder = { path: '.', files: [], folders: [] };
  const known = new Map([['.', root]]);
  for (const file of files) {
    const names = file.split('/').slice(0, -1);
    let folder = root;
    for (const [index] of names.entries()) {
      const path = names.slice(0, index + 1).join('/');
      let next = known.get(path);
      if (next === undefined) {
        next = { path, files: [], folders: [] };
        known.set(path, next);
        folder.folders.push(next);
      }
      folder = next;
    }
    folder.files.push(file);
  }
  return root;
}

interface Keys {
  of(kind: 'stats' | 'merge', path: string): string;
}

const maxKeyLength = 180;

/** `stats:src/a.ts`. What a key may not hold becomes `_`; what then is not unique gets a number. */
function createKeys(): Keys {
  const keys = new Map<string, string>();
  const used = new Set<string>([chartKey]);
  return {
    of(kind, path) {
      const name = `${kind}:${path}`;
      const known = keys.get(name);
      if (known !== undefined) return known;
      const wanted = name.replace(/[^A-Za-z0-9_.:/-]/g, '_').slice(0, maxKeyLength);
      const key = used.has(wanted) ? `${wanted}:${used.size}` : wanted;
      keys.set(name, key);
      used.add(key);
      return key;
    },
  };
}
