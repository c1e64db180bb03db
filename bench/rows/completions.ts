import { fileURLToPath } from 'node:url';
import type { Bench } from '../frame/bench.ts';
import { compareRates } from '../frame/compare-rates.ts';
import { interleave } from '../frame/interleave.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { expectAnswer } from '../stage/ask.ts';
import { startScript } from '../stage/child-server.ts';
import { startProvider } from '../stage/stub-provider.ts';
import { credential } from '../stage/users.ts';

const proxy = fileURLToPath(new URL('../baselines/proxy.ts', import.meta.url));

/** Completions passed through to a provider that answers at once, against Fastify and undici with nothing else. */
export const completions: Bench = {
  name: 'completions',
  async measure(stage) {
    const users = await stage.users(64);
    await using provider = await startProvider('A short answer, as most of them are.');
    const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' };
    await using ours = await stage.startProduct({ variables });
    await using baseline = await startScript(proxy, ['--provider-url', provider.url]);
    const connections = users.map((user): LoadRequest[] => [
      {
        method: 'POST',
        path: '/v1/chat/completions',
        headers: credential(user),
        body: { model: 'stub', messages: [{ role: 'user', content: 'A question of the bench' }] },
        expectedStatus: 200,
      },
    ]);
    for (const [request] of connections) if (request) await expectAnswer(ours.port, request);

    const load = (port: number) => () => runLoad({ port, connections, warmUpMs: 700, measureMs: 2_000 });
    const results = await interleave(load(ours.port), load(baseline.port));
    return [compareRates(results, { name: 'completions passed through, 64 connections', limit: 0.7 })];
  },
};
