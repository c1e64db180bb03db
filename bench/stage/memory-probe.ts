import { setTimeout as sleep } from 'node:timers/promises';

/** What a collection hands to finalizers is free after the next one. */
const COLLECTIONS = 3;
const PAUSE_MS = 50;

/**
 * Loaded into a server under measurement with `node --expose-gc --import`: answers each message of its parent with the
 * memory that is really in use, after full collections.
 */
process.on('message', async () => {
  for (let count = 0; count < COLLECTIONS; count++) {
    globalThis.gc?.();
    await sleep(PAUSE_MS);
  }
  const { heapUsed, external } = process.memoryUsage();
  // `external` holds array buffers as well.
  process.send?.({ usedBytes: heapUsed + external, peakResidentBytes: process.resourceUsage().maxRSS * 1024 });
});
// It must not keep the process from ending by itself.
process.channel?.unref();
