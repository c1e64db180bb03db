import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInstalled } from '../harness/is-installed.ts';
import { type TestUser, useProduct } from '../harness/product.ts';

const product = useProduct();

interface Message {
  readonly turn_id: string;
  readonly created_at: string;
}

/** A session as it is answered. */
interface SessionAnswer {
  readonly id: string;
  readonly assistant: string | null;
  readonly updated_at: string;
}

/** A session as it has to be. */
interface Session {
  answer: SessionAnswer;
  readonly messages: Message[];
  /** All ETags that it has had; the last is the one that it has. */
  readonly tags: string[];
}

/** A list that was read as far as a session, which may have been changed or deleted since. */
interface OpenList {
  readonly assistant: string | undefined;
  readonly last: SessionAnswer;
  readonly cursor: string;
}

/** A page as it is answered. */
interface Page<Item> {
  readonly data: Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** The beginning of a session's messages, as it is answered among others. */
type History = Omit<Page<never>, 'data'> & { readonly messages: Message[] };

/** Everything that a user has, as it has to be. */
interface World {
  readonly user: TestUser;
  readonly sessions: Session[];
  /** Kind and subject of what was done, the oldest first. */
  readonly activity: string[];
  readonly lists: OpenList[];
}

/** What is chosen of a step, of which each takes what it needs. */
const choices = fc.record({
  which: fc.nat(99),
  other: fc.nat(99),
  limit: fc.integer({ min: 1, max: 4 }),
  offset: fc.constantFrom(0, 0, 1, 3),
  order: fc.constantFrom('asc', 'desc'),
  goesOn: fc.boolean(),
  isOfMessages: fc.boolean(),
  assistant: fc.constantFrom(undefined, ...(isInstalled('todo') ? ['todo'] : [])),
});
type Choices = typeof choices extends fc.Arbitrary<infer Value> ? Value : never;

/** Asks for a session or a part of it, as a reader who has this ETag. */
async function readUnless(tag: string, path: string, { user }: World): Promise<Response> {
  const headers = { authorization: `Bearer ${user.key}`, 'if-none-match': tag };
  return await fetch(product.url + path, { headers });
}

async function read<Answer>(world: World, path: string): Promise<Answer> {
  const response = await product.request(world.user, 'GET', path);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const pathOf = ({ answer }: Session): string => `/v1/chat/sessions/${answer.id}`;
const chosen = <Item>(items: readonly Item[], number: number): Item | undefined => items[number % items.length];

/** Notes a change that was made to a session, which has an ETag that it never had. */
function change(session: Session, answer: SessionAnswer, response: Response): void {
  const tag = response.headers.get('etag') ?? 'none';
  expect(session.tags).not.toContain(tag);
  expect(answer.updated_at >= session.answer.updated_at).toBe(true);
  session.tags.push(tag);
  session.answer = answer;
}

/** The sessions of a list, from the one that was changed last. */
function listed({ sessions }: World, assistant: string | undefined): SessionAnswer[] {
  return sessions
    .map(({ answer }) => answer)
    .filter((answer) => assistant === undefined || answer.assistant === assistant)
    .sort((one, other) => (isBehind(one, other) ? 1 : -1));
}

function isBehind(one: SessionAnswer, other: SessionAnswer): boolean {
  const [at, otherAt] = [one.updated_at, other.updated_at];
  return at === otherAt ? one.id < other.id : at < otherAt;
}

async function createSession(world: World, { which, assistant }: Choices): Promise<void> {
  const body = { title: `session ${which}`, ...(assistant !== undefined && { assistant }) };
  const response = await product.request(world.user, 'POST', '/v1/chat/sessions', body);
  const answer = (await response.json()) as SessionAnswer;
  expect(answer).toMatchObject({ ...body, message_count: 0 });
  world.sessions.push({ answer, messages: [], tags: [response.headers.get('etag') ?? 'none'] });
  world.activity.push(`session.created ${answer.id}`);
}

async function changeSession(world: World, { which, other }: Choices): Promise<void> {
  const session = chosen(world.sessions, which);
  if (session === undefined) return;
  const response = await product.request(world.user, 'PATCH', pathOf(session), { title: `changed ${other}` });
  const answer = (await response.json()) as SessionAnswer;
  expect(answer).toEqual({ ...session.answer, title: `changed ${other}`, updated_at: answer.updated_at });
  change(session, answer, response);
  world.activity.push(`session.updated ${answer.id}`);
}

async function deleteSession(world: World, { which, other }: Choices): Promise<void> {
  const session = chosen(world.sessions, which);
  // More are made than deleted.
  if (session === undefined || other % 3 > 0) return;
  expect((await product.request(world.user, 'DELETE', pathOf(session))).status).toBe(200);
  expect((await product.request(world.user, 'GET', pathOf(session))).status).toBe(404);
  world.sessions.splice(world.sessions.indexOf(session), 1);
  world.activity.push(`session.deleted ${session.answer.id}`);
}

async function sendMessage(world: World, { which, other }: Choices): Promise<void> {
  const session = chosen(world.sessions, which);
  if (session === undefined) return;
  const content = `message ${other}`;
  const sent = await product.request(world.user, 'POST', `${pathOf(session)}/messages`, { content });
  const answer = (await sent.json()) as Message;
  const response = await product.request(world.user, 'GET', pathOf(session));
  const { data } = await read<Page<Message>>(world, `${pathOf(session)}/messages?order=desc&limit=3`);
  const count = session.messages.length;
  expect(data[0]).toEqual(answer);
  expect(data[1]).toMatchObject({ seq: count + 1, role: 'user', content, turn_id: answer.turn_id });
  expect(data[2]).toEqual(session.messages.at(-1));
  session.messages.push(...data.slice(0, 2).reverse());
  const expected = { ...session.answer, message_count: count + 2, updated_at: answer.created_at };
  expect(await response.clone().json()).toEqual(expected);
  change(session, expected, response);
  world.activity.push(`turn.started ${answer.turn_id}`, `turn.completed ${answer.turn_id}`);
}

/** A session and its messages are answered with 304 to the ETag that it has, and to none that it had. */
async function compareTags(world: World, { which, other, limit, isOfMessages }: Choices): Promise<void> {
  const session = chosen(world.sessions, which);
  if (session === undefined) return;
  const path = isOfMessages ? `${pathOf(session)}/messages?limit=${limit}` : pathOf(session);
  const tag = chosen(session.tags, other) ?? 'none';
  const response = await readUnless(tag, path, world);
  const present = session.tags.at(-1);
  expect([response.status, response.headers.get('etag')]).toEqual([tag === present ? 304 : 200, present]);
}

/** The pages of a history, one after the other, are what lies between two times, in either order, without what is passed over. */
async function readHistory(world: World, { which, other, limit, offset, order }: Choices): Promise<void> {
  const session = chosen(world.sessions, which);
  if (session === undefined) return;
  const [after, before] = [
    chosen(session.messages, other)?.created_at,
    chosen(session.messages, other >> 2)?.created_at,
  ];
  const bounds = { ...(other % 2 === 0 && after && { after }), ...(which % 3 === 0 && before && { before }) };
  const within = session.messages.filter(
    ({ created_at: at }) => at > (bounds.after ?? '') && at < (bounds.before ?? 'never'),
  );
  const wanted = (order === 'asc' ? within : within.toReversed()).slice(offset);
  const query = new URLSearchParams({ limit: `${limit}`, offset: `${offset}`, order, ...bounds });
  const found: Message[] = [];
  for (let hasMore = true; hasMore; ) {
    const page = await read<Page<Message>>(world, `${pathOf(session)}/messages?${query}`);
    found.push(...page.data);
    hasMore = page.has_more;
    expect(hasMore).toBe(found.length < wanted.length);
    query.set('cursor', page.next_cursor ?? '');
  }
  expect(found).toEqual(wanted);
}

/** Several histories at once are the beginnings of each, and are read on from there. */
async function readBatch(world: World, { which, other, limit }: Choices): Promise<void> {
  const sessions = world.sessions.filter((_session, index) => (index + which) % 3 > 0);
  if (sessions.length === 0) return;
  const after = chosen(
    sessions.flatMap(({ messages }) => messages),
    other,
  )?.created_at;
  const body = { session_ids: sessions.map(({ answer }) => answer.id), limit, ...(after && { after }) };
  const response = await product.request(world.user, 'POST', '/v1/chat/messages/batch', body);
  const { data } = (await response.json()) as Page<History>;
  for (const [index, session] of sessions.entries()) {
    const wanted = session.messages.filter(({ created_at }) => created_at > (after ?? ''));
    const { messages, has_more: hasMore, next_cursor: cursor } = data[index] ?? {};
    expect({ messages, hasMore }).toEqual({ messages: wanted.slice(0, limit), hasMore: wanted.length > limit });
    if (typeof cursor !== 'string') continue;
    const query = new URLSearchParams({ cursor, ...(after && { after }) });
    const rest = await read<Page<Message>>(world, `${pathOf(session)}/messages?${query}`);
    expect(rest.data).toEqual(wanted.slice(limit));
  }
}

/** A page of a list begins behind the last of the page before, whatever became of that meanwhile. */
async function listOn(world: World, { which, limit, goesOn, ...choice }: Choices): Promise<void> {
  const open = goesOn ? chosen(world.lists, which) : undefined;
  const assistant = open === undefined ? choice.assistant : open.assistant;
  const query = new URLSearchParams({
    limit: `${limit}`,
    ...(assistant && { assistant }),
    ...(open && { cursor: open.cursor }),
  });
  const page = await read<Page<SessionAnswer>>(world, `/v1/chat/sessions?${query}`);
  const rest = listed(world, assistant).filter((session) => open === undefined || isBehind(session, open.last));
  expect(page.data).toEqual(rest.slice(0, limit));
  expect(page.has_more).toBe(rest.length > limit);
  const last = page.data.at(-1);
  if (last !== undefined && page.next_cursor !== null) world.lists.push({ assistant, last, cursor: page.next_cursor });
}

const steps = {
  createSession,
  changeSession,
  deleteSession,
  sendMessage,
  compareTags,
  readHistory,
  readBatch,
  listOn,
} as const;

/** In the end, the lists have what is there, and the audit trail each change once. */
async function checkAll(world: World): Promise<void> {
  const { data } = await read<Page<SessionAnswer>>(world, '/v1/chat/sessions?limit=1000');
  expect(data).toEqual(listed(world, undefined));
  const lines = await read<Page<{ kind: string; subject_id: string }>>(world, '/v1/activity?limit=1000');
  const told = lines.data.map(({ kind, subject_id: subject }) => `${kind} ${subject}`);
  expect(told.filter((line) => !/^(?:user|key)\./.test(line))).toEqual(world.activity.toReversed());
}

test('sessions and messages are as a model in memory has them, whatever is done in which order', {
  timeout: 60_000,
}, async () => {
  const names = fc.constantFrom(
    ...(Object.keys(steps) as (keyof typeof steps)[]),
    'createSession',
    'sendMessage',
    'readHistory',
  );
  const sequence = fc.array(fc.tuple(names, choices), { minLength: 1, maxLength: 60, size: 'max' });
  const property = fc.asyncProperty(sequence, async (taken) => {
    const user = await product.createUser();
    const world: World = { user, sessions: [], activity: [], lists: [] };
    for (const [name, choice] of taken) await steps[name](world, choice);
    await checkAll(world);
  });
  // Time enough to find a short sequence that fails, and to tell it.
  await fc.assert(property, { numRuns: 30, interruptAfterTimeLimit: 30_000 });
});
