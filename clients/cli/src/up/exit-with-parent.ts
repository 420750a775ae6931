// Ends this process when the one that started it is gone.
//
// Loaded before a program by `node --import`. The parent holds the other end of our standard input and
// never writes to it; however the parent dies, the system closes that end, and we read the end of file.

/** A program that has not ended by itself this long after SIGTERM is ended. */
const graceMs = 15_000;

process.stdin.on('end', leave);
process.stdin.on('error', leave);
process.stdin.resume();
// Standard input alone keeps no program alive.
if ('unref' in process.stdin) process.stdin.unref();

function leave(): void {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref();
}
