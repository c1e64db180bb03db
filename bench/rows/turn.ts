import { fileURLToPath } from 'node:url';
import type { Bench } from '../frame/bench.ts';
import { compareRates } from '../frame/compare-rates.ts';
import { describeErrors } from '../frame/describe-errors.ts';
import { interleave } from '../frame/interleave.ts';
import { atMost } from '../frame/measurement.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { startScript } from '../stage/child-server.ts';
import { ROUND_TRIP_MS, type Stage } from '../stage/stage.ts';
import { startProvider } from '../stage/stub-provider.ts';
import { credential, type User } from '../stage/users.ts';
import { countPerRequest } from './statements.ts';

const script = fileURLToPath(new URL('../baselines/turn.ts', import.meta.url));
const ANSWER = 'A short answer, as most of them are.';

/** Sessions that a user talks in by turns, so that none grows longer during a run than conversations are. */
const SESSIONS_PER_USER = 50;

/** Makes sessions; answers for each user the messages that go round them. */
async function prepareTurns(stage: Stage, users: readonly User[]): Promise<LoadRequest[][]> {
  const ids = await stage.writeSessions(users.flatMap((user) => Array<User>(SESSIONS_PER_USER).fill(user)));
  return users.map((user, index) =>
    ids.slice(index * SESSIONS_PER_USER, (index + 1) * SESSIONS_PER_USER).map((id) => ({
      method: 'POST',
      path: `/v1/chat/sessions/${id}/messages`,
      headers: credential(user),
      body: { content: 'A question of the bench' },
      expectedStatus: 200,
    })),
  );
}

/** A whole turn, not streamed, of a model that answers at once. */
export const turnNear: Bench = {
  name: 'turn-near',
  async measure(stage) {
    const connections = await prepareTurns(stage, await stage.users(64));
    await using provider = await startProvider(ANSWER);
    const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' };
    await using ours = await stage.startProduct({ variables });
    const pool = ['--database-url', stage.databaseUrl, '--pool-size', '10'];
    await using baseline = await startScript(script, [...pool, '--provider-url', provider.url]);
    const load = (port: number) => () => runLoad({ port, connections, warmUpMs: 700, measureMs: 2_000 });
    const results = await interleave(load(ours.port), load(baseline.port));
    const name = 'a whole turn, 64 connections, model without delay';
    return [
      compareRates(results, { name, unit: 'turns/s', limit: 1 }),
      await countPerRequest(stage, {
        name: 'a turn',
        port: ours.port,
        requests: (await prepareTurns(stage, await stage.users(4))).flat(),
        limit: 2,
      }),
    ];
  },
};

/** Turns of which the time to the first token is taken, one after the other. */
const FIRST_TOKENS = 20;

/** How long after sending a message the first piece of the answer comes, in round trips. */
async function measureFirstToken(port: number, { path, headers, body }: LoadRequest): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ ...(body as object), stream: true }),
  });
  let firstMs: number | undefined;
  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes('event: message.delta')) firstMs ??= performance.now() - startedMs;
  }
  return (firstMs ?? Number.NaN) / ROUND_TRIP_MS;
}

/** The same with the database 100 ms away. */
export const turnFar: Bench = {
  name: 'turn-far',
  async measure(stage) {
    const connections = await prepareTurns(stage, await stage.users(64));
    await using provider = await startProvider(ANSWER);
    await using distance = await stage.startDistance();
    const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' };
    await using ours = await stage.startProduct({ databaseUrl: distance.databaseUrl, variables });
    const load = () => runLoad({ port: ours.port, connections, warmUpMs: 1_500, measureMs: 3_000 });
    const [results = []] = await interleave(load);
    const firstTokens: number[] = [];
    for (const request of connections[0]?.slice(0, FIRST_TOKENS) ?? []) {
      firstTokens.push(await measureFirstToken(ours.port, request));
    }
    return [
      {
        name: 'a whole turn, database 100 ms away, p50',
        unit: 'round trips',
        ours: results.map((result) => result.latencyMs.p50 / ROUND_TRIP_MS),
        bound: atMost(2.3),
        ...describeErrors(results),
      },
      { name: '  first token after sending', unit: 'round trips', ours: firstTokens, bound: atMost(1.3) },
    ];
  },
};
