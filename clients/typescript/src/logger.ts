// Where does the SDK say what goes wrong?

/** What pino, winston and `console` can be. `fields` come first, as pino wants them. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Warnings and errors to stderr as lines of JSON, the rest nowhere. */
export function createStderrLogger(): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
  };
  return { debug() {}, info() {}, warn: write('warn'), error: write('error') };
}
