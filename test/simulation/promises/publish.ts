// Writes down what a run of the simulation came to: for docs/promises.md.

import { writeFileSync } from 'node:fs';
import { INVARIANTS } from '../invariants/invariants.ts';
import { type Tally, total } from '../tally.ts';
import { promisesPage, type SeedsRun } from './page.ts';

export function publish(from: number, tally: Tally): void {
  const faults = Object.fromEntries([...tally.faults].sort(([a], [b]) => (a < b ? -1 : 1)));
  const run: SeedsRun = {
    from,
    seeds: tally.seeds,
    events: total(tally.events),
    invariants: Object.keys(INVARIANTS),
    faults,
  };
  writeFileSync(new URL('seeds-run.json', import.meta.url), `${JSON.stringify(run, undefined, 2)}\n`);
  const page = new URL('../../../docs/promises.md', import.meta.url);
  writeFileSync(page, promisesPage(INVARIANTS, run));
}
