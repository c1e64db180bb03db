import type { Bench } from '../frame/bench.ts';
import { atMost } from '../frame/measurement.ts';
import { LatencyRecord } from '../load/latency-record.ts';
import type { LoadRequest } from '../load/plan.ts';
import { ask, expectAnswer } from '../stage/ask.ts';
import { credential } from '../stage/users.ts';

const KEYS = 200;
const GIVE_UP_MS = 5_000;

/** How long a key that was revoked on one instance still works on another, which has it in its cache. */
export const revokedKey: Bench = {
  name: 'revoked-key',
  async measure(stage) {
    const user = await stage.user();
    await using first = await stage.startProduct();
    await using second = await stage.startProduct();
    const headers = credential(user);
    const record = new LatencyRecord();
    const startedAtMs = performance.now();
    for (let index = 0; index < KEYS; index++) {
      const body = { name: `to be revoked ${index}` };
      const created = await expectAnswer(first.port, {
        method: 'POST',
        path: '/v1/keys',
        headers,
        body,
        expectedStatus: 201,
      });
      const use = {
        method: 'GET',
        path: '/v1/keys?limit=1',
        headers: { authorization: `Bearer ${created.body.key}` },
      } as const;
      await expectAnswer(second.port, { ...use, expectedStatus: 200 });
      const revoke: LoadRequest = {
        method: 'DELETE',
        path: `/v1/keys/${created.body.id}`,
        headers,
        expectedStatus: 200,
      };
      await expectAnswer(first.port, revoke);
      const revokedAtMs = performance.now();
      let tookMs: number;
      let status: number;
      do {
        ({ status } = await ask(second.port, use));
        tookMs = performance.now() - revokedAtMs;
      } while (status !== 401 && tookMs < GIVE_UP_MS);
      record.add(tookMs);
    }
    return [
      {
        name: `revoked key refused on a second instance, p99 of ${KEYS}`,
        unit: 'ms',
        ours: [record.summarize(performance.now() - startedAtMs).latencyMs.p99],
        bound: atMost(1_000),
      },
    ];
  },
};
