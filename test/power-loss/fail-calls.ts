// Every kind of fault, at call after call of a short life.

import { checkFault, type Fault } from './check-fault.ts';
import type { ScratchSpace } from './scratch-space.ts';

/** Each fault takes a life. */
const PHASES = [2, 2];

const KINDS: Readonly<Record<string, (call: number) => Fault>> = {
  'SIGKILL at a call': (call) => ({ type: 'KILL', call }),
  'ENOSPC, once': (call) => ({ type: 'ENOSPC', call, calls: 1 }),
  'ENOSPC for 25 calls': (call) => ({ type: 'ENOSPC', call, calls: 25 }),
  'EIO, once': (call) => ({ type: 'EIO', call, calls: 1 }),
  'EIO of a read': (call) => ({ type: 'EIO_OF_READ', call, calls: 1 }),
};

export interface FaultSettings {
  readonly seed: number;
  readonly faultsEvery: number;
}

/** Returns how many violations there were. */
export async function failCalls(
  recorder: string,
  space: ScratchSpace,
  settings: FaultSettings,
  print: (line: string) => void,
): Promise<number> {
  const { seed, faultsEvery } = settings;
  print(`faults, at every ${faultsEvery === 1 ? 'call' : `${faultsEvery}th call`} until one comes too late`);
  let violations = 0;
  for (const [kind, faultAt] of Object.entries(KINDS)) {
    const counts = { met: 0, refusals: 0, violations: 0 };
    const check = async (call: number): Promise<boolean> => {
      const report = await checkFault(recorder, PHASES, faultAt(call), space, seed);
      counts.met += report.met ? 1 : 0;
      counts.refusals += report.refusals;
      counts.violations += report.violations.length;
      for (const violation of report.violations) print(`  VIOLATION ${violation}`);
      return report.met;
    };
    for (let call = 0, more = true; more; call += 2 * faultsEvery) {
      more = (await Promise.all([check(call), check(call + faultsEvery)])).includes(true);
    }
    print(`  ${kind}: ${counts.met} times, ${counts.refusals} refusals, ${counts.violations} violations`);
    violations += counts.violations;
  }
  return violations;
}
