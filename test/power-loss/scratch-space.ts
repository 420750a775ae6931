// What every check needs: a folder for images, and processes that open them.

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Auditors, startAuditors } from './audit/auditors.ts';
import { scratchFolder } from './recorder/scratch.ts';

export interface ScratchSpace extends Disposable {
  readonly folder: string;
  readonly auditors: Auditors;
}

export function openScratchSpace(): ScratchSpace {
  const folder = mkdtempSync(join(scratchFolder(), 'tutti-power-images-'));
  const auditors = startAuditors(Math.max(2, availableParallelism()));
  return {
    folder,
    auditors,
    [Symbol.dispose]: () => {
      auditors.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
