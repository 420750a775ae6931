// What do the NATS adapters tell of themselves? The part of pino's logger that they use.

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
