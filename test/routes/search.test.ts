import { beforeAll, describe, expect, it } from 'vitest';
import { type TestUser, useProduct } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';

const product = useProduct({}, { assistants: [createTestAssistant()] });
let user: TestUser;

beforeAll(async () => {
  user = await product.createUser();
  await createSession({ title: 'Holiday in Malmö', assistant: 'desk' }, 'add pack 50%_off sunscreen');
  await createSession({ title: 'Groceries' }, 'We need oat milk and bread');
  await createSession({}, 'Nothing of note');
  await createSession({ title: 'Shell' }, 'it ends by kill -9 1234');
  await createSession(
    { title: 'snake_case' },
    'Ask ada@mail.example for docs/plan.md, ~/notes or <em>more</em> by 2026-11-29',
  );
});

async function createSession(body: object, message: string, of = user): Promise<string> {
  const id = await product.createSession(of, body);
  await (await product.request(of, 'POST', `/v1/chat/sessions/${id}/messages`, { content: message })).json();
  return id;
}

interface Found {
  data: { title: string | null }[];
  next_cursor: string | null;
}

async function find(query: Record<string, string>, of = user): Promise<Found> {
  const response = await product.request(of, 'GET', `/v1/chat/sessions?${new URLSearchParams(query)}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Found;
}

const titles = async (query: Record<string, string>) => (await find(query)).data.map(({ title }) => title);

describe('searching chat sessions', () => {
  it.each([
    ['a word of a title, in any case', 'MALMÖ', ['Holiday in Malmö']],
    ['a word of a message', 'oat', ['Groceries']],
    ['words that are all there', 'bread milk', ['Groceries']],
    ['words of which one is not there', 'bread sunscreen', []],
    ['one of several words', 'sunscreen or bread', ['Groceries', 'Holiday in Malmö']],
    ['words next to each other', '"oat milk"', ['Groceries']],
    ['words that are not next to each other', '"oat bread"', []],
    ['a word without another', 'note -milk', [null]],
    ['words next to each other, of which one begins with a hyphen', '"kill -9 1234"', ['Shell']],
    ['such a word alone', 'kill "-9"', ['Shell']],
    ['a word without others next to each other', 'ends -"kill -9"', []],
    ['a word without another, after words next to each other', '"it ends"-9', []],
    ['a part of a word', 'sun', []],
    ['an address', 'ada@mail.example', ['snake_case']],
    ['a part of one', 'mail.example', ['snake_case']],
    ['a part of a path', '"docs plan.md"', ['snake_case']],
    ['a name with an underscore', 'snake_case', ['snake_case']],
    ['a part of a date', '11', ['snake_case']],
    ['a date', '2026-11-29', ['snake_case']],
    ['a date, without a word', '2026-11-29 -ada', []],
    ['what lies at home, and in a tag', '~/notes <em>', ['snake_case']],
    ['what means something to LIKE', '%', []],
    ['more of that', '50%_off', ['Holiday in Malmö']],
    ['what means something to SQL', "'); drop table users; --", []],
    ['what means something to a text query', '& | ! <-> :* (', []],
  ])('finds by %s: %s', async (_name, q, expected) => {
    expect(await titles({ q })).toEqual(expected);
  });

  it('finds those of one assistant, with words or without', async () => {
    expect(await titles({ assistant: 'desk' })).toEqual(['Holiday in Malmö']);
    expect(await titles({ assistant: 'desk', q: 'milk' })).toEqual([]);
    expect(await titles({ assistant: 'nobody' })).toEqual([]);
  });

  it('goes on page by page, with a cursor of the same search only', async () => {
    const first = await find({ q: 'sunscreen or bread', limit: '1' });
    const cursor = first.next_cursor ?? '';
    const second = await find({ q: 'sunscreen or bread', limit: '1', cursor });
    expect([first, second].map(({ data }) => data[0]?.title)).toEqual(['Groceries', 'Holiday in Malmö']);
    const query = new URLSearchParams({ q: 'bread', cursor });
    expect((await product.request(user, 'GET', `/v1/chat/sessions?${query}`)).status).toBe(400);
  });

  it('goes on to the next page of the longest words, whatever their letters', async () => {
    const q = 'жук '.repeat(50).trimEnd();
    for (const title of ['first', 'second']) await createSession({ title }, q);
    const first = await find({ q, limit: '1' });
    const second = await find({ q, limit: '1', cursor: first.next_cursor ?? '' });
    expect([first, second].map(({ data }) => data[0]?.title)).toEqual(['second', 'first']);
  });

  it('finds nothing of another user', async () => {
    const other = await product.createUser();
    expect((await find({ q: 'milk' }, other)).data).toEqual([]);
  });

  it('does not keep a message from being stored, however long or strange it is', async () => {
    const letters = Array.from({ length: 60_000 }, (_, index) => index.toString(36))
      .join(' ')
      .slice(0, 199_000);
    const id = await createSession({ title: 'Long' }, letters);
    await createSession({}, 'x'.repeat(199_000));
    const messages = await product.request(user, 'GET', `/v1/chat/sessions/${id}/messages?limit=1`);
    expect(await messages.json()).toMatchObject({ data: [{ content: letters }] });
  });

  // Whatever is stored by the same statement would wait for it, and fail with it.
  it.each(['a1@', '1_', '~/', 'a-1-'])('does not keep some from being stored that are all “%s”', async (unit) => {
    const content = unit.repeat(20_000).slice(0, 20_000);
    const ids = await Promise.all(Array.from({ length: 5 }, () => createSession({}, content)));
    for (const id of ids) {
      const messages = await product.request(user, 'GET', `/v1/chat/sessions/${id}/messages`);
      expect(await messages.json()).toMatchObject({ data: [{ role: 'user' }, { role: 'assistant' }] });
    }
  });
});
