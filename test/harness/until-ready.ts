import { until } from './until.ts';

/** Waits until a server lacks nothing; one that does not hear of changes yet is degraded, and looks each caller up. */
export async function untilReady({ url }: { readonly url: string }): Promise<void> {
  await until(async () => (await (await fetch(`${url}/readyz`)).text()).includes('"ready"'));
}
