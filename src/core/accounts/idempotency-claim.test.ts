import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { useProduct, useUser } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Cancelled } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import { type Database, postgresErrors, type Statement, sql } from '../../platform/postgres/index.ts';
import { claimKey } from './idempotency-claim.ts';

const product = useProduct();
const user = useUser(product);

/** Claims a key as a route does; what is logged of it is counted. */
async function claim(key: string, database: Database, warn: () => void = () => undefined) {
  const request = {
    method: 'POST',
    url: '/work',
    headers: { 'idempotency-key': key },
    caller: { userId: user.userId },
    context: testContext(),
    log: { warn },
  };
  const reply = { header: () => undefined };
  return await claimKey(request as unknown as FastifyRequest, reply as unknown as FastifyReply, {
    database,
    takeOverAfterMs: 60_000,
  });
}

/** A database that does something else than it is asked to when a key is claimed; all that follows, it counts and does. */
function changeClaims(onClaim: (statement: Statement<unknown>) => never) {
  const counted = { releases: 0 };
  const database: Database = {
    async query(statement, context) {
      if (statement.name === 'accounts.claim_idempotency_key') return onClaim(statement);
      counted.releases++;
      return await product.postgres.query(statement, context);
    },
  };
  return Object.assign(counted, { database });
}

async function isClaimed(key: string): Promise<boolean> {
  const statement = sql`
    -- test.find_key
    select key from idempotency_keys where user_id = ${user.userId} and key = ${key}`;
  return (await product.postgres.query(statement, testContext())).length > 0;
}

const lost = () => postgresErrors.raise.unavailable({ cause: new Error('the connection was cut') });

test('a claim that is made after its client has left is released', async () => {
  const key = newId();
  let claimed: Promise<unknown> | undefined;
  const { database } = changeClaims((statement) => {
    claimed = sleep(400).then(() => product.postgres.query(statement, testContext()));
    throw new Cancelled('the client left');
  });
  await expect(claim(key, database)).rejects.toThrow(Cancelled);
  await expect(claimed).resolves.toHaveLength(1);
  await until(async () => !(await isClaimed(key)));
  expect((await claim(key, product.postgres))?.earlier).toBeUndefined();
});

test('a claim that was lost is not taken for the one that another request has made', async () => {
  const key = newId();
  const away = changeClaims(() => {
    throw lost();
  });
  await expect(claim(key, away.database)).rejects.toMatchObject({ code: 'postgres.unavailable' });
  const other = await claim(key, product.postgres);
  await until(() => away.releases === 3);
  expect(await isClaimed(key)).toBe(true);
  await other?.release();
  expect(await isClaimed(key)).toBe(false);
});

test('a claim that an earlier version of the server has taken over is left to it', async () => {
  const key = newId();
  const frozen = await claim(key, product.postgres);
  const takeOver = sql`
    -- test.take_over
    update idempotency_keys set created_at = created_at + interval '1 minute'
    where user_id = ${user.userId} and key = ${key}`;
  await product.postgres.query(takeOver, testContext());
  await frozen?.release();
  expect(await isClaimed(key)).toBe(true);
});

test.each([
  ['the server refused', () => new DatabaseError('no such table', 0, 'error')],
  ['the server ended at its lock', () => postgresErrors.raise.timeout({ cause: new DatabaseError('', 0, 'error') })],
  ['an open breaker refused', () => postgresErrors.raise.unavailable()],
  ['got no connection', () => postgresErrors.raise.overloaded({ cause: new Error('no connection was free') })],
])('a claim that %s is known not to be there, and nothing is asked for it', async (_name, makeError) => {
  const error = makeError();
  const refusing = changeClaims(() => {
    throw error;
  });
  await expect(claim(newId(), refusing.database)).rejects.toBe(error);
  // The first release would come after a tenth of that.
  await sleep(1_000);
  expect(refusing.releases).toBe(0);
});

test('the first try to settle a claim that fails is logged, but none of a claim that its own error tells of', async () => {
  const away = (isClaimed: boolean) => {
    const counted = { tries: 0, warnings: 0 };
    const database: Database = {
      async query(statement, context) {
        const isClaim = statement.name === 'accounts.claim_idempotency_key';
        if (isClaim && isClaimed) return await product.postgres.query(statement, context);
        if (!isClaim) counted.tries++;
        throw lost();
      },
    };
    return { counted, claiming: claim(newId(), database, () => counted.warnings++) };
  };
  const [unheard, held] = [away(false), away(true)];
  await expect(unheard.claiming).rejects.toMatchObject({ code: 'postgres.unavailable' });
  await (await held.claiming)?.release();
  await until(() => held.counted.tries >= 4 && unheard.counted.tries >= 4);
  expect([held.counted.warnings, unheard.counted.warnings]).toEqual([1, 0]);
});

test('a claim that a database makes when it has been away for seconds is released', async () => {
  const key = newId();
  let claimLate: (() => Promise<unknown>) | undefined;
  let triesUntilBack = 6;
  const database: Database = {
    async query(statement, context) {
      claimLate ??= () => product.postgres.query(statement, testContext());
      if (triesUntilBack-- > 0) throw lost();
      const rows = await product.postgres.query(statement, context);
      if (triesUntilBack === -1) await claimLate();
      return rows;
    },
  };
  await expect(claim(key, database)).rejects.toMatchObject({ code: 'postgres.unavailable' });
  await until(() => isClaimed(key));
  await until(async () => !(await isClaimed(key)));
});
