import type { Bench } from '../frame/bench.ts';
import { compareRates } from '../frame/compare-rates.ts';
import { interleave } from '../frame/interleave.ts';
import { atMost } from '../frame/measurement.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { expectAnswer } from '../stage/ask.ts';
import { countStatements } from '../stage/statement-count.ts';
import { credential } from '../stage/users.ts';

/** Asking who one is, with the caller in the cache, against hello world; and how many statements that takes. */
export const whoAmI: Bench = {
  name: 'who-am-i',
  async measure(stage) {
    const users = await stage.users(64);
    await using ours = await stage.startProduct();
    await using baseline = await stage.startBaseline('hello');
    const whoAmIs = users.map((user): LoadRequest[] => [
      { method: 'GET', path: '/v1/me', headers: credential(user), expectedStatus: 200 },
    ]);
    const hellos = users.map((): LoadRequest[] => [{ method: 'GET', path: '/', expectedStatus: 200 }]);
    for (const [request] of whoAmIs) if (request) await expectAnswer(ours.port, request);

    const times = { warmUpMs: 500, measureMs: 2_000 };
    const results = await interleave(
      () => runLoad({ port: ours.port, connections: whoAmIs, ...times }),
      () => runLoad({ port: baseline.port, connections: hellos, ...times }),
    );
    let answerCount = 0;
    const statements = await countStatements(stage.database, async () => {
      const result = await runLoad({ port: ours.port, connections: whoAmIs, warmUpMs: 0, measureMs: 1_000 });
      answerCount = result.answerCount;
    });
    return [
      compareRates(results, { name: 'who-am-i on a cache hit, 64 connections', limit: 0.5 }),
      {
        name: '  statements',
        unit: 'per request',
        // What the server does of its own in the second shows as thousandths.
        ours: [Math.round((statements / answerCount) * 100) / 100],
        bound: atMost(0),
      },
    ];
  },
};
