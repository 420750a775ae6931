// Which clock can two processes compare? CLOCK_MONOTONIC, which is the machine's (Python: time.monotonic()).

export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
