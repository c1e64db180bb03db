import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../frame/bench.ts';
import { countErrors, describeErrors } from '../frame/describe-errors.ts';
import { interleave } from '../frame/interleave.ts';
import { atMost } from '../frame/measurement.ts';
import type { LoadRequest, LoadResult } from '../load/plan.ts';
import { runLoad } from '../load/run-load.ts';
import { expectAnswer } from '../stage/ask.ts';
import { startProvider } from '../stage/stub-provider.ts';
import { credential, type User } from '../stage/users.ts';

/** Words of an answer and the time between them: streams that outlast what is measured beside them. */
const WORDS = 24;
const DELAY_MS = 250;

/** Over how long the streams begin: users do not all send in the same moment. */
const START_MS = 1_000;

/** Sends a message in a new session and reads the whole stream; answers whether the answer came complete. */
async function readStream(port: number, user: User): Promise<boolean> {
  const headers = credential(user);
  const create = { method: 'POST', path: '/v1/chat/sessions', headers, body: {}, expectedStatus: 201 } as const;
  const { body } = await expectAnswer(port, create);
  // Not by fetch: a thousand of its streams take half a core, which server and database are to have.
  const post = request(`http://127.0.0.1:${port}/v1/chat/sessions/${body.id}/messages`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
  });
  post.end(JSON.stringify({ content: 'A question of the bench', stream: true }));
  const [response] = (await once(post, 'response')) as [IncomingMessage];
  const text = await readText(response);
  return text.includes('event: turn.completed') && text.trimEnd().endsWith('data: [DONE]');
}

/** A thousand streams at once on ten connections to the database, and what other requests notice, against ten streams. */
export const streams: Bench = {
  name: 'streams',
  async measure(stage) {
    const users = await stage.users(1_000);
    const text = Array.from({ length: WORDS }, (_value, index) => `word${index}`).join(' ');
    await using provider = await startProvider(text, DELAY_MS);
    const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' };
    await using ours = await stage.startProduct({ variables });
    const read = (user: User): LoadRequest[] => [
      { method: 'GET', path: '/v1/chat/sessions?limit=1', headers: credential(user), expectedStatus: 200 },
    ];
    const connections = users.slice(0, 20).map(read);
    const others: Pick<LoadResult, 'errors'>[] = [];
    let broken = 0;
    const beside = (streamCount: number) => async () => {
      const open = users.slice(0, streamCount).map(async (user, index) => {
        await sleep((START_MS * index) / streamCount);
        return await readStream(ours.port, user);
      });
      const load = { port: ours.port, connections, warmUpMs: 1_500, measureMs: 3_000, intervalMs: 100 };
      const { latencyMs, errors } = await runLoad(load);
      others.push({ errors });
      const completed = await Promise.all(open);
      broken += completed.filter((isComplete) => !isComplete).length;
      return latencyMs.p99;
    };
    const [many = [], few = []] = await interleave(beside(users.length), beside(10));
    return [
      {
        name: '1,000 streams at once on 10 database connections: p99 of other requests, against 10 streams',
        unit: 'ms',
        ours: many,
        baseline: few,
        bound: { of: 'ratio', sense: 'at most', limit: 2 },
      },
      {
        name: '  other requests that failed',
        unit: 'errors',
        ours: [others.reduce((sum, each) => sum + countErrors(each), 0)],
        bound: atMost(0),
        ...describeErrors(others),
      },
      { name: '  streams that did not complete', unit: 'streams', ours: [broken], bound: atMost(0) },
    ];
  },
};
