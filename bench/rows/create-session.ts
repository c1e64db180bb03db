import type { Bench } from '../frame/bench.ts';
import { compareRates } from '../frame/compare-rates.ts';
import { interleave } from '../frame/interleave.ts';
import { atMost } from '../frame/measurement.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { ROUND_TRIP_MS, type Stage } from '../stage/stage.ts';
import { credential, type User } from '../stage/users.ts';

function createSession(user: User): LoadRequest {
  return {
    method: 'POST',
    path: '/v1/chat/sessions',
    // The baseline without auth believes the second.
    headers: { ...credential(user), 'x-user-id': user.userId },
    body: { title: 'A session of the bench' },
    expectedStatus: 201,
  };
}

/** Creating a session, with the database on the same machine, against one bare INSERT. */
export const createSessionNear: Bench = {
  name: 'create-session-near',
  async measure(stage: Stage) {
    const connections = (await stage.users(64)).map((user) => [createSession(user)]);
    await using ours = await stage.startProduct();
    await using baseline = await stage.startBaseline('insert');
    const load = (port: number) => () => runLoad({ port, connections, warmUpMs: 700, measureMs: 2_000 });
    const results = await interleave(load(ours.port), load(baseline.port));
    return [compareRates(results, { name: 'create-session, database near, 64 connections', limit: 1.5 })];
  },
};

/**
 * Of the 1,000 users the baseline gets so many at a time. They keep its 10 connections as busy as all would, so that it
 * answers as many a second; but its waits do not outlast the rounds: with 1,000 the first answer comes after 20 s.
 */
const BASELINE_USERS = 30;

/** Creating a session, 1,000 users at once, with the database 100 ms away, against statements one after the other. */
export const createSessionFar: Bench = {
  name: 'create-session-far',
  async measure(stage: Stage) {
    const users = await stage.users(1_000);
    const connections = users.map((user) => [createSession(user)]);
    await using distance = await stage.startDistance();
    await using ours = await stage.startProduct({ databaseUrl: distance.databaseUrl });
    await using baseline = await stage.startBaseline('sequential', distance.databaseUrl);
    const load = (port: number, some: LoadRequest[][]) => () =>
      runLoad({ port, connections: some, warmUpMs: 1_500, measureMs: 4_500 });
    const results = await interleave(
      load(ours.port, connections),
      load(baseline.port, connections.slice(0, BASELINE_USERS)),
    );
    const roundTripsOf = (percentile: 'p50' | 'p99') =>
      results[0]?.map(({ latencyMs }) => latencyMs[percentile] / ROUND_TRIP_MS) ?? [];
    const unit = 'round trips';
    return [
      compareRates(results, { name: 'create-session, database 100 ms away, 1,000 users', limit: 150 }),
      { name: '  p50', unit, ours: roundTripsOf('p50'), bound: atMost(1.2) },
      { name: '  p99', unit, ours: roundTripsOf('p99'), bound: atMost(2) },
    ];
  },
};
