/**
 * Loaded into a server under measurement with `node --expose-gc --import`: answers each message of its parent with the
 * memory that is really in use, after a full collection.
 */
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  // `external` holds array buffers as well.
  process.send?.({ usedBytes: heapUsed + external, peakResidentBytes: process.resourceUsage().maxRSS * 1024 });
});
// It must not keep the process from ending by itself.
process.channel?.unref();
