import type { Bench } from '../frame/bench.ts';
import { atMost, type Measurement } from '../frame/measurement.ts';
import type { LoadRequest } from '../load/plan.ts';
import { expectAnswer } from '../stage/ask.ts';
import type { Stage } from '../stage/stage.ts';
import { countStatements } from '../stage/statement-count.ts';
import { credential } from '../stage/users.ts';

/** Requests that a count is of, one after the other so that none shares a statement with another. */
const REQUESTS = 200;

/** What is counted: requests, each of which must be answered as expected. */
export interface CountedRequests {
  readonly name: string;
  readonly port: number;
  readonly requests: readonly LoadRequest[];
  readonly limit: number;
}

/** Counts the statements per request, to a tenth: the server's own, by the clock, are shared by all the requests. */
export async function countPerRequest(stage: Stage, counted: CountedRequests): Promise<Measurement> {
  const { name, port, requests, limit } = counted;
  const statements = await countStatements(stage.database, async () => {
    for (const request of requests) await expectAnswer(port, request);
  });
  const perRequest = Math.round((statements / requests.length) * 10) / 10;
  return { name: `statements: ${name}`, unit: 'per request', ours: [perRequest], bound: atMost(limit) };
}

/** How many statements a request of each kind takes, with the caller in the cache. */
export const statements: Bench = {
  name: 'statements',
  async measure(stage) {
    const user = await stage.user();
    await using ours = await stage.startProduct();
    const { port } = ours;
    const headers = credential(user);
    const create: LoadRequest = { method: 'POST', path: '/v1/chat/sessions', headers, body: {}, expectedStatus: 201 };
    const session = (await expectAnswer(port, create)).body;
    const path = `/v1/chat/sessions/${session.id}/messages`;
    const read: LoadRequest = { method: 'GET', path, headers, expectedStatus: 200 };
    // A user each: whoever has revoked a key is looked up anew.
    const revokes: LoadRequest[] = [];
    for (const revoker of await stage.users(REQUESTS)) {
      const own = credential(revoker);
      const body = { name: 'bench' };
      const key = await expectAnswer(port, {
        method: 'POST',
        path: '/v1/keys',
        headers: own,
        body,
        expectedStatus: 201,
      });
      revokes.push({ method: 'DELETE', path: `/v1/keys/${key.body.id}`, headers: own, expectedStatus: 200 });
    }
    const many = (request: LoadRequest): LoadRequest[] => Array<LoadRequest>(REQUESTS).fill(request);
    return [
      await countPerRequest(stage, { name: 'session create', port, requests: many(create), limit: 1 }),
      await countPerRequest(stage, { name: 'message read', port, requests: many(read), limit: 1 }),
      await countPerRequest(stage, { name: 'key revoke', port, requests: revokes, limit: 1 }),
    ];
  },
};
