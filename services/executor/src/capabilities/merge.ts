// `merge`: gives back what its attempt was given, in one object: the results of the dependencies field by
// field, later ones win, and the own input wins over all (docs/data.md).

import type { Handler } from '@tutti/client/executor';

export const merge: Handler = (_input, context) => context.merged();
