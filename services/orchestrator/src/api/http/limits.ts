// What does the HTTP door take, how large and how compressed?

import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';

/** Of one message, after decompression. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
export const COMPRESSIONS = [compressionGzip, compressionBrotli];
