import { expect, it } from 'vitest';
import { type TestUser, useProduct, useUser } from '../harness/product.ts';

const product = useProduct();
const user = useUser(product);

interface SessionAnswer {
  id: string;
  title: string | null;
  updated_at: string;
}

async function createSession(body: object = {}, as = user): Promise<SessionAnswer> {
  const response = await product.request(as, 'POST', '/v1/chat/sessions', body);
  expect(response.status).toBe(201);
  return (await response.json()) as SessionAnswer;
}

it('is created with its defaults and read back the same', async () => {
  const created = await createSession({ title: 'Trip to Umeå', model: 'offline' });
  expect(created).toMatchObject({
    object: 'chat.session',
    title: 'Trip to Umeå',
    assistant: null,
    model: 'offline',
    message_count: 0,
  });
  const read = await product.request(user, 'GET', `/v1/chat/sessions/${created.id}`);
  expect(await read.json()).toEqual(created);
});

it('refuses a model or an assistant that does not exist, naming the field', async () => {
  for (const [field, code] of [
    ['model', 'models.not_found'],
    ['assistant', 'chat.assistant_not_found'],
  ] as const) {
    const response = await product.request(user, 'POST', '/v1/chat/sessions', { [field]: 'nobody' });
    expect(response.status).toBeLessThan(500);
    expect(await response.json()).toMatchObject({ error: { code, param: field } });
  }
});

it('answers 304 to its own ETag until something changes', async () => {
  const { id } = await createSession({ title: 'before' });
  const path = `${product.url}/v1/chat/sessions/${id}`;
  const authorization = `Bearer ${user.key}`;
  const etag = (await fetch(path, { headers: { authorization } })).headers.get('etag') ?? '';
  for (const tag of [etag, '*']) {
    const unchanged = await fetch(path, { headers: { authorization, 'if-none-match': tag } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
  }
  await product.request(user, 'PATCH', `/v1/chat/sessions/${id}`, { title: 'after' });
  const changed = await fetch(path, { headers: { authorization, 'if-none-match': etag } });
  expect(changed.status).toBe(200);
  expect(changed.headers.get('etag')).not.toBe(etag);
});

it('is answered with its ETag when it is made and when it is changed', async () => {
  const made = await product.request(user, 'POST', '/v1/chat/sessions', { title: 'before' });
  const path = `/v1/chat/sessions/${((await made.json()) as { id: string }).id}`;
  const tagOf = (response: Response): string => response.headers.get('etag') ?? 'none';
  expect(tagOf(made)).toBe(tagOf(await product.request(user, 'GET', path)));
  const changed = await product.request(user, 'PATCH', path, { title: 'after' });
  expect(tagOf(changed)).toBe(tagOf(await product.request(user, 'GET', path)));
  expect(tagOf(changed)).not.toBe(tagOf(made));
});

it('changes only what is sent, and null empties a title', async () => {
  const { id } = await createSession({ title: 'kept', model: 'offline' });
  const path = `/v1/chat/sessions/${id}`;
  expect(await (await product.request(user, 'PATCH', path, { model: null })).json()).toMatchObject({
    title: 'kept',
    model: null,
  });
  expect(await (await product.request(user, 'PATCH', path, { title: null })).json()).toMatchObject({ title: null });
});

it('is gone with its messages once it is deleted', async () => {
  const { id } = await createSession();
  const path = `/v1/chat/sessions/${id}`;
  await product.request(user, 'POST', `${path}/messages`, { content: 'Hello' });
  expect(await (await product.request(user, 'DELETE', path)).json()).toEqual({
    id,
    object: 'chat.session',
    deleted: true,
  });
  for (const gone of [path, `${path}/messages`]) {
    expect((await product.request(user, 'GET', gone)).status).toBe(404);
  }
  expect((await product.request(user, 'DELETE', path)).status).toBe(404);
});

it('is listed by newest activity, page by page, each once', async () => {
  const owner = await product.createUser();
  const created: SessionAnswer[] = [];
  for (let index = 0; index < 8; index++) created.push(await createSession({ title: `${index}` }, owner));
  const [oldest] = created;
  await product.request(owner, 'POST', `/v1/chat/sessions/${oldest?.id}/messages`, { content: 'Hello' });
  const listed: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await product.request(owner, 'GET', `/v1/chat/sessions?limit=3${cursor && `&cursor=${cursor}`}`);
    const page = (await response.json()) as { data: SessionAnswer[]; next_cursor: string | null };
    listed.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  expect(listed).toHaveLength(8);
  expect(new Set(listed).size).toBe(8);
  expect(listed[0]).toBe(oldest?.id);
});

it('is listed on by the cursor of its own user only, as it was given', async () => {
  const other = await product.createUser();
  for (const owner of [user, user, other, other]) await createSession({}, owner);
  const first = await product.request(user, 'GET', '/v1/chat/sessions?limit=1');
  const { next_cursor: cursor } = (await first.json()) as { next_cursor: string };
  const readOn = async (as: TestUser, given: string): Promise<[number, unknown]> => {
    const response = await product.request(as, 'GET', `/v1/chat/sessions?cursor=${encodeURIComponent(given)}`);
    return [response.status, await response.json()];
  };
  const refused = [400, { error: expect.objectContaining({ code: 'http.invalid_cursor', param: 'cursor' }) }];
  expect(await readOn(other, cursor)).toEqual(refused);
  for (const added of ['=', '\n']) expect(await readOn(user, cursor + added)).toEqual(refused);
  expect(await readOn(user, cursor)).toMatchObject([200, { object: 'list' }]);
});
