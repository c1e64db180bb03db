import { describe, expect, test } from 'vitest';
import { PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { createBatch } from './batch.ts';
import { isOutcomeUnknown, UnsendableValue } from './errors.ts';
import { sql } from './statement.ts';

const pool = new PoolFixture();

/** Answers what was sent as the server has it. */
const echo = (value: unknown) => sql<{ value: string | null }>`
  -- test.echo
  select ${value}::text as value`;

function circular(): unknown {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

function deep(): unknown {
  let value: unknown = null;
  for (let level = 0; level < 100_000; level++) value = [{ value }];
  return value;
}

const unsendable: [string, unknown][] = [
  ['that refers to itself', circular()],
  ['with a BigInt in it', { amount: 1n }],
  [
    'that fails when it is asked for its JSON',
    {
      toJSON() {
        throw new Error('a fault of the author');
      },
    },
  ],
  ['that is nested too deeply', deep()],
  ['in an array', [[circular()]]],
];

describe('a value', () => {
  test.each(unsendable)('%s fails its caller, and touches no connection', async (_kind, value) => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    const error = await postgres.query(echo(value), testContext()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnsendableValue);
    expect(error).toMatchObject({ message: '$1 of test.echo cannot be sent', cause: expect.any(Error) });
    expect(isOutcomeUnknown(error)).toBe(false);
    expect(postgres.poolStatus().total).toBe(0);
    expect(await postgres.query(echo({ a: 1 }), testContext())).toEqual([{ value: '{"a":1}' }]);
  });

  test('arrives as pg sends it', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    const arrives = async (value: unknown) => (await postgres.query(echo(value), testContext()))[0]?.value;
    expect(await arrives(undefined)).toBeNull();
    expect(await arrives(7)).toBe('7');
    expect(await arrives([1, null, 'a "b"', { c: [1] }])).toBe('{"1",NULL,"a \\"b\\"","{\\"c\\":[1]}"}');
    expect(new Date((await arrives(new Date(0))) ?? '')).toEqual(new Date(0));
    const bytes = sql`
      -- test.bytes
      select ${Buffer.from([0, 255])}::bytea as one, ${[Buffer.from([1]), new Uint8Array([2])]}::bytea[] as many`;
    const [row] = await postgres.query(bytes, testContext());
    expect(row).toEqual({ one: Buffer.from([0, 255]), many: [Buffer.from([1]), Buffer.from([2])] });
  });
});

describe('in a batch', () => {
  const insert = (inputs: readonly { id: number; value: unknown }[], text: (value: unknown) => unknown) =>
    sql<{ i: number | null; id: number }>`
      -- test.add_notes
      with given as (
        select * from unnest(${inputs.map(({ id }) => id)}::int[], ${inputs.map(({ value }) => text(value))}::text[])
          with ordinality as _ (id, text, i)
      ), added as (
        insert into notes (id, text) select id, text from given returning id
      )
      select i::int, id from given join added using (id)`;

  test.each([
    ['sent', (value: unknown) => value],
    ['written', (value: unknown) => JSON.stringify(value)],
  ])('a value that cannot be %s fails its own caller alone', async (_how, text) => {
    const database = pool.open();
    const add = createBatch(
      { statement: (inputs: readonly { id: number; value: unknown }[]) => insert(inputs, text) },
      {
        database,
      },
    );
    const ids = Array.from({ length: 20 }, (_, index) => index);
    const adding = await Promise.allSettled(
      ids.map((id) => add({ id, value: id === 7 ? circular() : { id } }, testContext())),
    );
    expect(adding.map((each) => (each.status === 'fulfilled' ? each.value[0]?.id : 'failed'))).toEqual(
      ids.map((id) => (id === 7 ? 'failed' : id)),
    );
    const { rows } = await pool.admin.query('select id from notes order by id');
    expect(rows.map(({ id }) => id)).toEqual(ids.filter((id) => id !== 7));
  });

  test('a value that comes back and cannot be read does not have a write done twice', async () => {
    const database = pool.open();
    await pool.admin.query('create sequence writes');
    const write = createBatch(
      {
        statement: (inputs: readonly number[]) => sql<{ i: number; big: number }>`
          -- test.write_big
          select i::int, 9007199254740993 + nextval('writes') as big
            from unnest(${inputs}::int[]) with ordinality as _ (id, i)`,
      },
      { database },
    );
    const writing = await Promise.allSettled([1, 2, 3].map((id) => write(id, testContext())));
    expect(writing.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await pool.admin.query("select nextval('writes')::int as next")).rows).toEqual([{ next: 4 }]);
  });
});
