import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestUser, useProduct } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { toolCaller } from '../../../test/harness/tool-caller.ts';
import { sql } from '../../platform/postgres/index.ts';
import { assistant } from './index.ts';
import type { Item } from './schemas.ts';

const product = useProduct();
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  alice = await product.createUser();
  bob = await product.createUser();
});

async function send(user: TestUser, ...[method, path, body]: [string, string, unknown?]) {
  const response = await product.request(user, method, `/api/todo/items${path}`, body);
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}

async function listTitles(user: TestUser, query = ''): Promise<string[]> {
  const { body } = await send(user, 'GET', query);
  return (body as { data: Item[] }).data.map(({ title }) => title);
}

const call = toolCaller(product);

test('an item goes in, is changed and goes out', async () => {
  const added = await send(alice, 'POST', '', { title: 'Pay rent', due_on: '2026-12-01' });
  expect(added.status).toBe(201);
  const item = added.body as Item;
  expect(item).toEqual({
    id: expect.any(String),
    object: 'todo.item',
    title: 'Pay rent',
    due_on: '2026-12-01',
    priority: 'normal',
    done: false,
    done_at: null,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    updated_at: expect.any(String),
  });
  const changed = await send(alice, 'PATCH', `/${item.id}`, { done: true, due_on: null, priority: 'high' });
  expect(changed.body).toMatchObject({ title: 'Pay rent', due_on: null, priority: 'high', done: true });
  expect((await send(alice, 'DELETE', `/${item.id}`)).body).toEqual({
    id: item.id,
    object: 'todo.item',
    deleted: true,
  });
  expect((await send(alice, 'DELETE', `/${item.id}`)).status).toBe(404);
});

test.each([
  [0, 400],
  [1, 201],
  [500, 201],
  [501, 400],
])('a title of %d letters is answered %d', async (length, status) => {
  expect((await send(await product.createUser(), 'POST', '', { title: 'x'.repeat(length) })).status).toBe(status);
});

test('what is due first comes first, page by page, and filters hold', async () => {
  const carol = await product.createUser();
  for (const [title, due_on] of [
    ['later', '2026-12-09'],
    ['some day', null],
    ['soon', '2026-12-02'],
    ['sooner', '2026-12-01'],
  ])
    await send(carol, 'POST', '', { title, due_on });
  expect(await listTitles(carol)).toEqual(['sooner', 'soon', 'later', 'some day']);
  const first = (await send(carol, 'GET', '?limit=3')).body as { next_cursor: string };
  expect(await listTitles(carol, `?limit=3&cursor=${first.next_cursor}`)).toEqual(['some day']);
  expect(await listTitles(carol, '?due_from=2026-12-02')).toEqual(['soon', 'later']);
  expect(await listTitles(carol, '?due_to=2026-12-02')).toEqual(['sooner', 'soon']);
  await call(carol, 'todo_complete', { title: 'some day' });
  expect(await listTitles(carol, '?done=true')).toEqual(['some day']);
  expect(await listTitles(carol, '?done=false')).toEqual(['sooner', 'soon', 'later']);
});

test('a repeated POST with an Idempotency-Key adds one item and answers it again', async () => {
  const post = (title: string) =>
    fetch(`${product.url}/api/todo/items`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob.key}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: JSON.stringify({ title }),
    });
  const answers = await Promise.all([post('once'), post('once')]);
  const bodies = await Promise.all(answers.map((answer) => answer.json()));
  expect(bodies[1]).toEqual(bodies[0]);
  expect(answers.map(({ headers }) => headers.get('idempotent-replayed')).toSorted()).toEqual(
    ['true', null].toSorted(),
  );
  expect(await listTitles(bob)).toEqual(['once']);
  expect((await post('something else')).status).toBe(422);
});

test('each request asks the database once', async () => {
  const query = vi.spyOn(product.postgres, 'query');
  const { id } = (await send(alice, 'POST', '', { title: 'counted' })).body as Item;
  await send(alice, 'GET', '');
  await send(alice, 'PATCH', `/${id}`, { title: 'counted twice' });
  await send(alice, 'DELETE', `/${id}`);
  const names = query.mock.calls.map(([statement]) => statement.name).filter((name) => name.startsWith('todo.'));
  query.mockRestore();
  expect(names).toEqual(['todo.insert_items', 'todo.list_items', 'todo.update_item', 'todo.delete_item']);
});

describe('a tool finds the item that is meant', () => {
  test('by some words of its title', async () => {
    await call(alice, 'todo_add', { title: 'Buy oat milk' });
    expect(await call(alice, 'todo_complete', { title: 'milk' })).toMatchObject({
      item: { title: 'Buy oat milk', done: true },
    });
  });

  test.each([
    ['BOOKS', 'return the book'],
    ['ÖVER team', 'write to the team, över en fika'],
    ['räkning', 'betala räkningarna'],
  ])('by its words, as a user may inflect them: "%s" finds "%s"', async (title, stored) => {
    const user = await product.createUser();
    await call(user, 'todo_add', { title: stored });
    expect(await call(user, 'todo_delete', { title })).toMatchObject({ item: { title: stored } });
  });

  test.each([
    ['tea', 'write to the team at last'],
    ['cola', 'pick a color'],
  ])('and by no part of them: "%s" is not in "%s"', async (title, stored) => {
    const user = await product.createUser();
    await call(user, 'todo_add', { title: stored });
    for (const tool of ['todo_complete', 'todo_delete'])
      await expect(call(user, tool, { title })).rejects.toMatchObject({ code: 'todo.item_not_found' });
  });

  test('by its very title, when others have its words too', async () => {
    for (const title of ['Call Anna', 'Call Anna about the boat']) await call(alice, 'todo_add', { title });
    expect(await call(alice, 'todo_update', { title: 'call anna', new_title: 'Write to Anna' })).toMatchObject({
      item: { title: 'Write to Anna' },
    });
  });

  test.each(['rename foo_bar', 'buy ½ kg flour', '🎉🎉', 'x²', 'snake_case_name'])(
    'by its very title, whatever is in it: "%s"',
    async (title) => {
      await call(alice, 'todo_add', { title });
      expect(await call(alice, 'todo_complete', { title: title.toUpperCase() })).toMatchObject({ item: { title } });
      await call(alice, 'todo_add', { title });
      expect(await call(alice, 'todo_delete', { title })).toMatchObject({ item: { title } });
    },
  );

  test.each(['max_wait_ms', '½ kg', '🎉 party'])(
    'by words that have more than letters beside them: "%s"',
    async (title) => {
      await call(alice, 'todo_add', { title: 'Look at max_wait_ms, get ½ kg for the 🎉 party' });
      expect(await call(alice, 'todo_delete', { title })).toMatchObject({ item: { done: false } });
    },
  );

  test.each(['todo_complete', 'todo_delete'])(
    'by its very title, and of several it is the one due first, then the oldest, or the one due on a day: %s',
    async (tool) => {
      const user = await product.createUser();
      const days = [null, '2026-12-05', null, '2026-12-03', '2026-12-05', '2026-12-04'];
      const ids: string[] = [];
      for (const due_on of days)
        ids.push(((await call(user, 'todo_add', { title: 'buy milk', due_on })) as { item: Item }).item.id);
      await call(user, 'todo_add', { title: 'buy milk for the cat', due_on: '2026-12-01' });
      const take = async (input: object) => {
        const { item } = (await call(user, tool, { title: 'Buy milk', ...input })) as { item: Item };
        return ids.indexOf(item.id);
      };
      expect(await take({ due_on: '2026-12-04' })).toBe(5);
      await expect(take({ due_on: '2026-12-09' })).rejects.toMatchObject({ code: 'todo.item_not_found' });
      for (const taken of [3, 1, 4, 0, 2]) expect(await take({})).toBe(taken);
    },
  );

  test.each(['todo_complete', 'todo_delete'])(
    'by its very title with the day in it, whatever is due on that day: %s',
    async (tool) => {
      const user = await product.createUser();
      const due_on = '2026-12-07';
      await call(user, 'todo_add', { title: 'prepare for Monday' });
      for (const title of ['prepare', 'prepare slides']) await call(user, 'todo_add', { title, due_on });
      const meant = { title: 'prepare', full_title: 'Prepare for Monday', due_on };
      for (const title of ['prepare for Monday', 'prepare', 'prepare slides'])
        expect(await call(user, tool, meant)).toMatchObject({ item: { title } });
    },
  );

  test('or changes nothing and names those that fit, when several do', async () => {
    for (const title of ['Water the roses', 'Water the lawn']) await call(alice, 'todo_add', { title });
    for (const tool of ['todo_complete', 'todo_delete']) {
      const { candidates } = (await call(alice, tool, { title: 'water' })) as { candidates: Item[] };
      expect(candidates.map(({ title, done }) => [title, done])).toEqual([
        ['Water the roses', false],
        ['Water the lawn', false],
      ]);
    }
  });

  test('and has to be told what to change', async () => {
    const { id } = (await send(alice, 'POST', '', { title: 'Buy stamps' })).body as Item;
    await expect(call(alice, 'todo_update', { id, title: 'Buy envelopes' })).rejects.toMatchObject({
      code: 'todo.nothing_to_change',
      message: expect.stringContaining('new_title'),
    });
    expect(await call(alice, 'todo_update', { id, due_on: null })).toMatchObject({ item: { title: 'Buy stamps' } });
  });

  test.each(['todo_complete', 'todo_update', 'todo_delete'])('and has to be told which: %s', async (tool) => {
    await expect(call(alice, tool, { due_on: '2026-12-24' })).rejects.toMatchObject({ code: 'todo.item_not_named' });
  });

  test.each(['%', '_', '   ', 'no such thing'])('and nothing by "%s"', async (title) => {
    await expect(call(alice, 'todo_delete', { title })).rejects.toMatchObject({ code: 'todo.item_not_found' });
  });

  test("and never among another user's", async () => {
    const { id } = (await send(alice, 'POST', '', { title: 'a secret plan' })).body as Item;
    for (const item of [{ id }, { title: 'secret' }])
      await expect(call(bob, 'todo_delete', item)).rejects.toMatchObject({ code: 'todo.item_not_found' });
    // Whatever a model adds to its arguments, the user is the session's.
    await expect(call(bob, 'todo_delete', { id, userId: alice.userId })).rejects.toMatchObject({
      code: 'todo.item_not_found',
    });
  });
});

test('all that is stored about a user is exported, and erased for that user alone', async () => {
  const dora = await product.createUser();
  for (const title of ['one', 'two']) await send(dora, 'POST', '', { title });
  await send(bob, 'POST', '', { title: 'stays' });
  const todo = product.server.installed;
  const exported = await Array.fromAsync(todo.exportUser(dora.userId, testContext()));
  expect(exported).toMatchObject([
    { assistant: 'todo', entry: { title: 'one' } },
    { assistant: 'todo', entry: { title: 'two' } },
  ]);
  await todo.eraseUser(dora.userId, testContext());
  await todo.eraseUser(dora.userId, testContext());
  expect(await listTitles(dora)).toEqual([]);
  expect(await listTitles(bob)).toContain('stays');
});

test.each([
  [1_200, [500, 500, 200]],
  [501, [500, 1]],
])('a list of %i items is erased in pages of %j', async (items, rows) => {
  const fay = await product.createUser();
  const fill = sql`
    -- test.fill_list
    insert into todo.items (user_id, id, title)
    select ${fay.userId}::uuid, gen_random_uuid(), 'Buy milk' from generate_series(1, ${items}::integer)`;
  await product.postgres.query(fill, testContext());
  const query = vi.spyOn(product.postgres, 'query');
  await product.server.installed.eraseUser(fay.userId, testContext());
  const pages = await Promise.all(
    query.mock.calls.flatMap(([{ name }], i) => (name === 'todo.delete_items' ? [query.mock.results[i]?.value] : [])),
  );
  query.mockRestore();
  expect(pages.map((page) => page.length)).toEqual(rows);
  expect(await listTitles(fay)).toEqual([]);
});

test('clear commands are carried out in a chat without any model', async () => {
  const emma = await product.createUser();
  const say = await product.startChat(emma, 'todo');
  expect(await say('add buy milk for 24 December 2026')).toBe('Added: buy milk (due 2026-12-24)');
  expect(await say('vad har jag att göra?')).toBe('- buy milk (till 2026-12-24)');
  expect(await say('done with milk')).toBe('Done: buy milk (due 2026-12-24)');
  expect(await listTitles(emma, '?done=true')).toEqual(['buy milk']);
  for (const day of ['', ' for 24 December 2026', ' for 25 December 2026']) await say(`add buy milk${day}`);
  expect(await say('delete buy milk for 25 December 2026')).toBe('Deleted: buy milk (due 2026-12-25)');
  expect(await say('done with buy milk')).toBe('Done: buy milk (due 2026-12-24)');
  expect(await say('delete buy milk')).toBe('Deleted: buy milk');
  expect(await say('delete the buy milk')).toContain('“the buy milk”');
  await send(emma, 'POST', '', { title: 'water the plants today' });
  expect(await say('done with water the plants today')).toBe('Done: water the plants today');
  await send(emma, 'POST', '', { title: 'Report' });
  await say('add send the report to Bob today');
  expect(await say('I finished the report today')).toBe('Done: Report');
});

test('only tools that write nothing say so', () => {
  const reading = assistant.tools.filter(({ writes }) => !writes).map(({ name }) => name);
  expect(reading).toEqual(['list']);
});
