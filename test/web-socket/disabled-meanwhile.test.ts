import { expect, it } from 'vitest';
import { connectChat } from '../harness/chat-client.ts';
import { countLocked } from '../harness/count-locked.ts';
import { startProduct } from '../harness/product.ts';

it('a client whose user is disabled while that cannot be read is disconnected as soon as it can', async ({
  onTestFinished,
}) => {
  const product = await startProduct();
  onTestFinished(() => product.stop());
  const user = await product.createUser();
  const client = await connectChat(product.url, { headers: { authorization: `Bearer ${user.key}` } });
  const [holder, other] = await Promise.all([product.connect(), product.connect()]);
  await holder.query('begin; lock table api_keys');
  await other.query('update users set disabled_at = now(), auth_version = 2 where user_id = $1', [user.userId]);
  await other.query(`select pg_notify('evenkeel_users', $1)`, [`${user.userId}:2`]);
  // The look that this brings waits for the lock, until its time is over.
  await expect.poll(() => countLocked(holder)).toBe(1);
  await expect.poll(() => countLocked(holder)).toBe(0);
  await holder.query('rollback');
  expect(await client.closed()).toBe(1008);
  expect(client.frames.map(({ error }) => error.code)).toEqual(['auth.user_disabled']);
}, 20_000);
