// Hands data folders to audit to processes, each to one that has nothing to do.

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Finding } from './audit.ts';

export interface Auditors {
  /** How many can be under way at once. */
  readonly size: number;
  find(folder: string): Promise<Finding>;
  end(): void;
}

const script = join(import.meta.dirname, 'auditor.ts');

interface Auditor {
  readonly child: ChildProcess;
  answer: (finding: Finding) => void;
}

export function startAuditors(size: number): Auditors {
  const all = Array.from({ length: size }, startAuditor);
  const idle = [...all];
  const waiting: ((auditor: Auditor) => void)[] = [];

  function release(auditor: Auditor): void {
    const next = waiting.shift();
    if (next === undefined) idle.push(auditor);
    else next(auditor);
  }

  return {
    size,
    find: async (folder) => {
      const auditor = idle.pop() ?? (await new Promise<Auditor>((resolve) => waiting.push(resolve)));
      const finding = await new Promise<Finding>((resolve) => {
        auditor.answer = resolve;
        auditor.child.send(folder);
      });
      release(auditor);
      return finding;
    },
    end: () => {
      for (const { child } of all) child.kill('SIGKILL');
    },
  };
}

function startAuditor(): Auditor {
  const child = fork(script, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  });
  const auditor: Auditor = { child, answer: () => undefined };
  child.on('message', (finding: Finding) => auditor.answer(finding));
  // Whatever it was given from then on is never answered: one that dies is a finding, and ends the check.
  child.on('exit', (code, signal) => {
    auditor.answer({ type: 'BROKEN', why: `the process that opened it ended with ${code ?? signal}` });
    child.send = () => {
      auditor.answer({ type: 'BROKEN', why: 'the process that opens folders has ended' });
      return false;
    };
  });
  return auditor;
}
