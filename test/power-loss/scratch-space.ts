// What every check needs: a folder for images, and processes that open them.

import { availableParallelism } from 'node:os';
import { type Auditors, startAuditors } from './audit/auditors.ts';
import { makeScratch, removeScratch } from './recorder/scratch.ts';

export interface ScratchSpace extends Disposable {
  readonly folder: string;
  readonly auditors: Auditors;
}

export function openScratchSpace(): ScratchSpace {
  const folder = makeScratch();
  const auditors = startAuditors(Math.max(2, availableParallelism()));
  return {
    folder,
    auditors,
    [Symbol.dispose]: () => {
      auditors.end();
      removeScratch(folder);
    },
  };
}
