/** Resolves at the first SIGTERM, SIGINT or SIGHUP from now on; later ones change nothing. */
export async function untilSignalled(process: NodeJS.Process): Promise<NodeJS.Signals> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => signalled.resolve(signal));
  return await signalled.promise;
}
