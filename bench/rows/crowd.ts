import type { Bench } from '../frame/bench.ts';
import { countErrors, describeErrors } from '../frame/describe-errors.ts';
import { atMost } from '../frame/measurement.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { ROUND_TRIP_MS } from '../stage/stage.ts';
import { credential, type User } from '../stage/users.ts';

const USERS = 10_000;
const INTERVAL_MS = 2_000;
/** A tenth of the users for so long first: no server meets its whole crowd in the first second of its life. */
const FIRST_USERS = USERS / 10;
const FIRST_MS = 4_000;
/** One of each kind of request: from then on caches are warm and ETags known. */
const WARM_UP_MS = 4 * INTERVAL_MS;
const MEASURE_MS = 20_000;
const MIB = 1024 * 1024;

/** What a user of the crowd does, round and round. */
function mix(user: User, sessionId: string): LoadRequest[] {
  const headers = credential(user);
  const messages = `/v1/chat/sessions/${sessionId}/messages`;
  return [
    { method: 'POST', path: '/v1/chat/sessions', headers, body: { title: 'One of many' }, expectedStatus: 201 },
    { method: 'POST', path: messages, headers, body: { content: 'Hello from the crowd' }, expectedStatus: 200 },
    { method: 'GET', path: messages, headers, expectedStatus: 200 },
    { method: 'GET', path: messages, headers, expectedStatus: 304, isConditional: true },
  ];
}

/** 10,000 users on a connection each, 5,000 requests a second, with the database 100 ms away. */
export const crowd: Bench = {
  name: 'crowd',
  async measure(stage) {
    const users = await stage.users(USERS);
    const sessionIds = await stage.writeSessions(users);
    const connections = users.map((user, index) => mix(user, sessionIds[index] ?? ''));
    await using distance = await stage.startDistance();
    await using ours = await stage.startProduct({ databaseUrl: distance.databaseUrl });
    await runLoad({
      port: ours.port,
      connections: connections.slice(0, FIRST_USERS),
      warmUpMs: 0,
      measureMs: FIRST_MS,
      intervalMs: INTERVAL_MS / 4,
    });
    const plan = { port: ours.port, connections, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
    const result = await runLoad({ ...plan, intervalMs: INTERVAL_MS });
    const { peakResidentBytes } = await ours.readMemory();
    const rate = Math.round(result.answersPerSecond).toLocaleString('en-US');
    return [
      {
        name: 'crowd: 10,000 connections, 5,000 requests/s, database 100 ms away',
        unit: 'errors',
        ours: [countErrors(result)],
        bound: atMost(0),
        note: [`${rate} good answers/s`, describeErrors([result]).note].filter(Boolean).join(', '),
      },
      { name: '  p99', unit: 'round trips', ours: [result.latencyMs.p99 / ROUND_TRIP_MS], bound: atMost(3) },
      { name: '  memory, at its peak', unit: 'MiB', ours: [peakResidentBytes / MIB], bound: atMost(500) },
    ];
  },
};
