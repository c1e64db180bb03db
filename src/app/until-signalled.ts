/** What ends a process: a closed terminal sends the last. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Resolves at the first SIGTERM, SIGINT or SIGHUP from now on; later ones change nothing. */
export async function untilSignalled(process: NodeJS.Process): Promise<NodeJS.Signals> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of END_SIGNALS) process.on(signal, () => signalled.resolve(signal));
  return await signalled.promise;
}
