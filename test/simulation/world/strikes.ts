// How does each kind of fault strike, and how does it end?

import type { FaultPlan } from '../scenario/faults.ts';
import type { Cluster } from './cluster.ts';
import { ORCHESTRATOR } from './network.ts';
import type { Process } from './process.ts';

/** From its death to the next process: as a supervisor would have it. */
const RESTART_MS = 500;
const CLOCK_JUMP_MS = 60_000;

export interface Strikes {
  strike(fault: FaultPlan): void;
  /** Everything is mended, and one process serves. */
  heal(): void;
}

export function createStrikes(cluster: Cluster): Strikes {
  const { time, disk, network, coverage, executors } = cluster;
  const random = cluster.random.fork('strikes');
  let skewMs = 0;
  let isHealed = false;
  /** What happens to whom it catches, at which moment. */
  let trap: { readonly moment: Moment; left: number; readonly act: (process: Process) => void } | undefined;

  type Moment = 'BEFORE_COMMIT' | 'AFTER_COMMIT' | 'AFTER_PUBLISH';

  disk.around = (id, moment) => {
    const process = cluster.processes.find((each) => each.id === id);
    if (process !== undefined) spring(process, moment);
  };
  cluster.published = (process) => spring(process, 'AFTER_PUBLISH');

  function spring(process: Process, moment: Moment): void {
    if (trap === undefined || trap.moment !== moment) return;
    trap.left -= 1;
    if (trap.left > 0) return;
    const { act } = trap;
    trap = undefined;
    act(process);
  }

  function crash(process: Process | undefined, how: 'KILL' | 'POWER_LOSS'): void {
    if (process === undefined) return;
    coverage.fault(how === 'KILL' ? 'ORCHESTRATOR_CRASH' : 'POWER_LOSS');
    cluster.kill(process, how);
    restartLater();
  }

  function restartLater(): void {
    time.after(random.between(1, RESTART_MS), ensureOne);
  }

  /** A supervisor starts a process where there is none; after a restart the clock may be another one. */
  function ensureOne(): void {
    if (cluster.processes.length > 0) return;
    if (!isHealed && random.chance(0.2)) {
      const jumpMs = random.between(1, CLOCK_JUMP_MS) * (random.chance(0.5) ? 1 : -1);
      coverage.fault(jumpMs > 0 ? 'CLOCK_FORWARD' : 'CLOCK_BACK');
      skewMs += jumpMs;
    }
    cluster.start(skewMs);
    supervise();
  }

  /** One that could not start, or gave up, is started again. */
  function supervise(): void {
    time.after(2_000, () => {
      if (cluster.processes.length === 0) ensureOne();
      else supervise();
    });
  }

  function crashAt(moment: Moment, { choice }: FaultPlan): void {
    const act = (process: Process): void => {
      coverage.fault(`CRASH_${moment}`);
      crash(process, 'KILL');
    };
    trap = { moment, left: 1 + (choice % 5), act };
  }

  function stall(process: Process | undefined, forMs: number): void {
    if (process === undefined || process.life.state() !== 'RUNNING') return;
    coverage.fault('EVENT_LOOP_STALL');
    process.life.freeze();
    cluster.see({ type: 'ProcessFrozen', atMs: time.nowMs(), process: process.id });
    time.after(forMs, () => thaw(process));
  }

  function thaw(process: Process): void {
    if (process.life.state() !== 'FROZEN') return;
    process.life.thaw();
    cluster.see({ type: 'ProcessThawed', atMs: time.nowMs(), process: process.id });
  }

  /** At any moment, or just as it hands a commit to the disk: then the two meet there. */
  function replaceAt({ choice, forMs }: FaultPlan, process: Process | undefined): void {
    if (choice % 2 === 0) replace(process, forMs, random.between(0, forMs), true);
    else {
      const act = (caught: Process) => replace(caught, forMs, random.below(5), choice % 4 === 1);
      trap = { moment: 'BEFORE_COMMIT', left: 1 + (choice % 5), act };
    }
  }

  /**
   * It stands still, so it is taken for dead, or somebody has started another one by mistake. For a while there are
   * two.
   */
  function replace(process: Process | undefined, forMs: number, inMs: number, stands: boolean): void {
    if (process === undefined || process.life.state() !== 'RUNNING') return;
    coverage.fault('ORCHESTRATOR_REPLACED');
    if (stands) stall(process, forMs);
    time.after(inMs, () => {
      if (cluster.processes.includes(process) && cluster.processes.length === 1) cluster.start(skewMs);
    });
    // It finds out then that it was replaced, even if the rival has died meanwhile. Until then each of its
    // commits is refused, but where it has nothing to commit it would never know.
    time.after(forMs + random.between(0, 3_000), () => cluster.kill(process, 'KILL'));
  }

  function trouble(kind: typeof disk.trouble, forMs: number): void {
    disk.trouble = kind;
    time.after(forMs, () => {
      if (disk.trouble === kind) disk.trouble = 'NONE';
    });
  }

  function strikeExecutor({ kind, executorId, forMs, choice }: FaultPlan): void {
    const executor = executors.find(({ id }) => id === executorId);
    if (executor === undefined) return;
    switch (kind) {
      case 'EXECUTOR_CRASH':
        coverage.fault('EXECUTOR_CRASH');
        executor.crash();
        time.after(forMs, () => {
          coverage.fault('EXECUTOR_COMES_BACK');
          executor.comeBack();
        });
        break;
      case 'EXECUTOR_STALL':
        coverage.fault('EXECUTOR_STALL');
        executor.freeze();
        time.after(forMs, () => executor.thaw());
        break;
      case 'EXECUTOR_LEAVE':
        coverage.fault(choice % 2 === 0 ? 'EXECUTOR_DRAINS' : 'EXECUTOR_LEAVES');
        executor.leave(choice % 2 === 0 ? 'DRAIN' : 'AT_ONCE');
        time.after(forMs, () => executor.comeBack());
        break;
      case 'PARTITION_TO_EXECUTOR':
        network.partition(ORCHESTRATOR, executorId);
        time.after(forMs, () => network.join(ORCHESTRATOR, executorId));
        break;
      case 'PARTITION_FROM_EXECUTOR':
        network.partition(executorId, ORCHESTRATOR);
        time.after(forMs, () => network.join(executorId, ORCHESTRATOR));
        break;
    }
  }

  function strikeOrchestrator(fault: FaultPlan): void {
    const process = cluster.processes[fault.choice % Math.max(1, cluster.processes.length)];
    switch (fault.kind) {
      case 'ORCHESTRATOR_KILL':
        crash(process, 'KILL');
        break;
      case 'POWER_LOSS':
        for (const each of [...cluster.processes]) crash(each, 'POWER_LOSS');
        break;
      case 'ORCHESTRATOR_KILL_BEFORE_COMMIT':
        crashAt('BEFORE_COMMIT', fault);
        break;
      case 'ORCHESTRATOR_KILL_AFTER_COMMIT':
        crashAt('AFTER_COMMIT', fault);
        break;
      case 'ORCHESTRATOR_KILL_AFTER_PUBLISH':
        crashAt('AFTER_PUBLISH', fault);
        break;
      case 'ORCHESTRATOR_STOP':
        if (process === undefined) break;
        coverage.fault('ORCHESTRATOR_STOP');
        cluster.stop(process);
        break;
      case 'ORCHESTRATOR_REPLACED':
        replaceAt(fault, process);
        break;
      case 'EVENT_LOOP_STALL':
        stall(process, fault.forMs);
        break;
    }
  }

  function strikeSurroundings({ kind, forMs, choice }: FaultPlan): void {
    switch (kind) {
      case 'LOSSY_NETWORK':
        Object.assign(network.rates, lossy(choice));
        time.after(forMs, () => Object.assign(network.rates, lossy(0)));
        break;
      case 'NATS_RESTART':
        network.interrupt('RESTART', Math.min(forMs, 5_000));
        break;
      case 'NATS_LAME_DUCK':
        network.interrupt('LAME_DUCK', Math.min(forMs, 2_000));
        break;
      case 'DISK_FULL':
        trouble('FULL', forMs);
        break;
      case 'DISK_ERRORS':
        trouble('ERRORS', forMs);
        break;
      case 'DISK_READ_ERRORS':
        trouble('READ_ERRORS', forMs);
        break;
      case 'DISK_SLOW':
        trouble('SLOW', forMs);
        break;
      case 'UNKNOWN_OUTCOMES':
        disk.unknownOutcomes = 0.1;
        time.after(forMs, () => {
          disk.unknownOutcomes = 0;
        });
        break;
    }
  }

  ensureOne();
  return {
    strike(fault) {
      if (isHealed) return;
      strikeExecutor(fault);
      strikeOrchestrator(fault);
      strikeSurroundings(fault);
    },
    heal() {
      isHealed = true;
      trap = undefined;
      disk.trouble = 'NONE';
      disk.unknownOutcomes = 0;
      network.heal();
      for (const process of [...cluster.processes]) thaw(process);
      for (const rival of cluster.processes.slice(0, -1)) cluster.kill(rival, 'KILL');
      for (const executor of executors) {
        executor.thaw();
        executor.behave();
        executor.comeBack();
      }
      ensureOne();
    },
  };
}

function lossy(choice: number) {
  return {
    lost: (choice % 4) * 0.1,
    doubled: ((choice >> 2) % 3) * 0.1,
    delayed: ((choice >> 4) % 3) * 0.2,
    brokenConnections: ((choice >> 6) % 4) * 0.1,
  };
}
