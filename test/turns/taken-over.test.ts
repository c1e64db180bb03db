import type { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { TurnSweeper } from '../../src/core/chat/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { useProductWithModel } from '../harness/product.ts';
import { TestClock } from '../harness/test-clock.ts';
import { followEvents } from '../harness/turn-events.ts';

const { product } = useProductWithModel({ text: 'word '.repeat(200), delayMs: 20 });
let admin: Client;

beforeAll(async () => {
  admin = await product.connect();
});

/** Takes the turn that runs for dead, as another server does when its owner was frozen. */
async function takeOver(): Promise<void> {
  const log = createLogger({ level: 'silent' });
  const sweeper = new TurnSweeper({
    database: product.postgres,
    log,
    clock: new TestClock(),
    statementBudgetMs: 5_000,
  });
  do await admin.query(`update chat_turns set heartbeat_at = clock_timestamp() - interval '13 s'`);
  while ((await sweeper.sweep()) === 0);
}

test('what a turn cost that was taken over is counted once, by its server and by who took it over', async () => {
  const user = await product.createUser();
  const read = async (path: string) => await (await product.request(user, 'GET', path)).json();
  const id = await product.createSession(user);
  const body = { content: 'Hello', stream: true };
  const response = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, body);
  let last: unknown;
  for await (const event of followEvents(response)) {
    last = event.data;
    if (event.id === 40) await takeOver();
  }
  expect(last).toMatchObject({ error: { code: 'chat.turn_lost' } });
  const limits = (await read('/v1/me/limits')) as { tokens: { used: number } };
  const sum = (field: string) => `select coalesce(sum(${field}), 0)::integer from usage_days where user_id = $1`;
  const counted = async () =>
    (
      await admin.query(
        `select (${sum('requests')}) as requests, (${sum('prompt_tokens + completion_tokens')}) as tokens`,
        [user.userId],
      )
    ).rows[0];
  await expect.poll(counted).toEqual({ requests: 1, tokens: limits.tokens.used });
});
