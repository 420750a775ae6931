// Who ends a server when the process that asked for it is killed? This program stands between the two.
//
// usage: node guard.ts JSON   ({ command, args, cwd, env, uid, gid, stopSignal, graceMs })
// Writes the server's process id to fd 3, ends the server when stdin ends, and ends with it.

import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';

const order = JSON.parse(process.argv[2] ?? '{}') as {
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  stopSignal: NodeJS.Signals;
  graceMs: number;
};

// A group of its own: ^C of a terminal goes to all of a group, and would end servers before those who use them.
const child = spawn(order.command, order.args, {
  stdio: ['ignore', 'inherit', 'inherit'],
  detached: true,
  env: { ...process.env, ...order.env },
  ...(order.cwd !== undefined && { cwd: order.cwd }),
  ...(order.uid !== undefined && { uid: order.uid }),
  ...(order.gid !== undefined && { gid: order.gid }),
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
process.stdin.on('end', stop).on('error', stop).resume();
child.on('error', (error) => {
  process.stderr.write(`${order.command}: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code) => process.exit(code ?? 1));
if (child.pid !== undefined) writeSync(3, `${child.pid}\n`);

function stop(): void {
  child.kill(order.stopSignal);
  setTimeout(() => {
    // Its group: also what it started.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, order.graceMs);
}
