// What is every command given?

import type { CommandClient } from '../client.ts';
import type { Output } from '../output.ts';

export interface CommandContext {
  readonly client: CommandClient;
  readonly output: Output;
}
