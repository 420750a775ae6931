// `echo`: gives back its input, byte for byte, with its content type.

import type { Handler } from '@tutti/client/executor';

export const echo: Handler = (_input, context) => context.inputPayload;
