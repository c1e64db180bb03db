import { newId } from '../../src/base/ids.ts';
import type { Bench } from '../frame/bench.ts';
import { compareRates } from '../frame/compare-rates.ts';
import { describeErrors } from '../frame/describe-errors.ts';
import { interleave } from '../frame/interleave.ts';
import type { LoadRequest } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { expectAnswer } from '../stage/ask.ts';
import type { Stage } from '../stage/stage.ts';
import { credential, type User } from '../stage/users.ts';

const LONG_MESSAGES = 1_000_000;
const OFFSETS = [0, 500_000, 999_950] as const;

/** Writes a session with so many messages of 200 characters, a second apart; answers its id. */
async function writeSession(stage: Stage, { userId }: User, messageCount: number): Promise<string> {
  const id = newId();
  await stage.database.query('insert into chat_sessions (user_id, id, title, message_count) values ($1, $2, $3, $4)', [
    userId,
    id,
    `${messageCount} messages`,
    messageCount,
  ]);
  await stage.database.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
      select $1, $2, seq, gen_random_uuid(), case seq % 2 when 0 then 'assistant' else 'user' end, repeat('text ', 40),
        now() - make_interval(secs => $3 - seq)
      from generate_series(1, $3::integer) seq`,
    [userId, id, messageCount],
  );
  return id;
}

function readPage(user: User, sessionId: string, offset: number): LoadRequest {
  const path = `/v1/chat/sessions/${sessionId}/messages?limit=50&offset=${offset}`;
  return { method: 'GET', path, headers: credential(user), expectedStatus: 200 };
}

/** A page of 50 at several places of a very long history, against the first page of a short one. */
export const historyOffset: Bench = {
  name: 'history-offset',
  async measure(stage) {
    const user = await stage.user();
    const short = await writeSession(stage, user, 50);
    const long = await writeSession(stage, user, LONG_MESSAGES);
    // What autovacuum and a checkpoint would do meanwhile, now.
    await stage.database.query('vacuum analyze chat_messages');
    await stage.database.query('checkpoint');
    await using ours = await stage.startProduct();
    const requests = [readPage(user, short, 0), ...OFFSETS.map((offset) => readPage(user, long, offset))];
    for (const request of requests) {
      const { body } = await expectAnswer(ours.port, request);
      if (body.data.length !== 50) throw new Error(`A page has ${body.data.length} messages instead of 50.`);
    }
    const load = (request: LoadRequest) => () =>
      runLoad({ port: ours.port, connections: [[request]], warmUpMs: 200, measureMs: 700 });
    const [baseline = [], ...pages] = await interleave(...requests.map(load));
    return OFFSETS.map((offset, index) => ({
      name: `history page at offset ${offset.toLocaleString('en-US')} of ${LONG_MESSAGES.toLocaleString('en-US')}`,
      unit: 'ms',
      ours: pages[index]?.map((result) => result.latencyMs.p50) ?? [],
      baseline: baseline.map((result) => result.latencyMs.p50),
      bound: { of: 'ratio', sense: 'at most', limit: 1.3 } as const,
      ...describeErrors([...(pages[index] ?? []), ...baseline]),
    }));
  },
};

/** A page that the reader has already, asked for with its ETag, against the page itself. */
export const historyUnchanged: Bench = {
  name: 'history-unchanged',
  async measure(stage) {
    const users = await stage.users(64);
    const pages: LoadRequest[][] = [];
    for (const user of users) pages.push([readPage(user, await writeSession(stage, user, 500), 0)]);
    const unchanged = pages.map((requests) =>
      requests.map((request): LoadRequest => ({ ...request, expectedStatus: 304, isConditional: true })),
    );
    await using ours = await stage.startProduct();
    const load = (connections: LoadRequest[][]) => () =>
      runLoad({ port: ours.port, connections, warmUpMs: 500, measureMs: 1_500 });
    const results = await interleave(load(unchanged), load(pages));
    const name = 'unchanged history with If-None-Match, page of 50, 64 connections';
    return [compareRates(results, { name, limit: 4 })];
  },
};
