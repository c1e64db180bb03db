import { beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';
import { followEvents, readEvents, type StreamedEvent } from '../harness/turn-events.ts';
import type { StubRequestBody } from '../stubs/provider-answers.ts';

const TEXT = 'one two three four five six seven eight';

const { product, provider } = useProductWithModel(
  { text: TEXT },
  { MODEL_CHUNK_TIMEOUT_MS: '400' },
  { assistants: [createTestAssistant()] },
);
const user = useUser(product);
let session: string;

beforeEach(async () => {
  provider.setMode('ok', { delayMs: 0, text: TEXT, script: () => ({}) });
  session = await createSession();
});

const createSession = (assistant: string | null = null) => product.createSession(user, { assistant });

const post = (content = 'Hello', stream = true) =>
  product.request(user, 'POST', `/v1/chat/sessions/${session}/messages`, { content, stream });

const turnPath = (turnId: string) => `/v1/chat/sessions/${session}/turns/${turnId}`;

async function readAgain(turnId: string, lastEventId?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${user.key}`, ...(lastEventId && { 'last-event-id': lastEventId }) };
  return await fetch(`${product.url}${turnPath(turnId)}/events`, { headers });
}

const turnIdOf = (events: readonly StreamedEvent[]): string => events[0]?.data.turn_id;

async function readTurn(turnId: string) {
  return (await (await product.request(user, 'GET', turnPath(turnId))).json()) as { status: string; usage: unknown };
}

async function readMessages() {
  const response = await product.request(user, 'GET', `/v1/chat/sessions/${session}/messages`);
  return ((await response.json()) as { data: { role: string; status: string; content: string; turn_id: string }[] })
    .data;
}

describe('the events of a turn', () => {
  it('are the same again after it, from the beginning and from every event on', async () => {
    session = await createSession('desk');
    const script = (body: StubRequestBody) =>
      body.messages?.at(-1)?.role === 'tool'
        ? {}
        : {
            text: 'Let me see.',
            calls: ['a', 'b'].map((note) => ({ name: 'desk_note', arguments: `{"text":"${note}"}` })),
          };
    provider.setMode('ok', { script });
    const events = readEvents(await (await post()).text());
    expect(events.filter(({ event }) => event.startsWith('tool'))).toHaveLength(4);
    for (let seen = 0; seen <= events.length; seen++) {
      const again = await readAgain(turnIdOf(events), String(seen));
      const streamed = await again.text();
      expect(readEvents(streamed)).toEqual(events.slice(seen));
      expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true);
    }
  });

  it('go on from where a reader left, while the turn runs', async () => {
    provider.setMode('ok', { delayMs: 60 });
    const seen: StreamedEvent[] = [];
    for await (const event of followEvents(await post())) {
      seen.push(event);
      if (seen.length === 4) break;
    }
    const rest = readEvents(await (await readAgain(turnIdOf(seen), String(seen.at(-1)?.id))).text());
    const all = readEvents(await (await readAgain(turnIdOf(seen))).text());
    expect([...seen, ...rest]).toEqual(all);
    expect(all.at(-2)?.data.message.content).toBe(TEXT);
  });

  it('are the same again of a turn that failed', async () => {
    for (const mode of ['stall-mid-stream', 'http-500'] as const) {
      provider.setMode(mode);
      const events = readEvents(await (await post()).text());
      expect(events.at(-1)?.event).toBe('error');
      expect(readEvents(await (await readAgain(turnIdOf(events))).text())).toEqual(events);
    }
  });

  it('end, for a reader who may read no more, with an error that names the turn and takes no number of it', async () => {
    provider.setMode('ok', { delayMs: 100, text: 'word '.repeat(30) });
    const created = await product.request(user, 'POST', '/v1/keys', { name: 'reader' });
    const reader = (await created.json()) as { id: string; key: string };
    const stream = await product.request(reader, 'POST', `/v1/chat/sessions/${session}/messages`, {
      content: 'Hello',
      stream: true,
    });
    await product.request(user, 'DELETE', `/v1/keys/${reader.id}`);
    const events = readEvents(await stream.text());
    const turnId = turnIdOf(events);
    expect(events.at(-1)).toEqual({
      id: Number.NaN,
      event: 'error',
      data: { type: 'error', turn_id: turnId, error: expect.objectContaining({ code: 'auth.invalid_key' }) },
    });
    const rest = readEvents(await (await readAgain(turnId, String(events.at(-2)?.id))).text());
    expect(rest.at(-1)?.event).toBe('turn.completed');
  });

  it('are refused after what is no event, and of a turn that is not there', async () => {
    const turnId = turnIdOf(readEvents(await (await post()).text()));
    for (const bad of ['-1', 'x', '1.5', '99999999999', '1,2']) {
      const response = await readAgain(turnId, bad);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: 'last-event-id' } });
    }
    expect((await readAgain(newId())).status).toBe(404);
  });

  it('tell a reader who saw more than was stored how the turn ended', async () => {
    const events = readEvents(await (await post()).text());
    const again = readEvents(await (await readAgain(turnIdOf(events), '1000')).text());
    expect(again).toEqual([{ ...events.at(-1), id: 1001 }]);
  });

  it('tell an error to whoever asks after it, who may have seen text under its number, and a good end once', async () => {
    const readAfterLast = async () => {
      const events = readEvents(await (await post()).text());
      const last = events.at(-1);
      return { last, again: readEvents(await (await readAgain(turnIdOf(events), String(last?.id))).text()) };
    };
    expect((await readAfterLast()).again).toEqual([]);
    provider.setMode('stall-mid-stream');
    const { last, again } = await readAfterLast();
    expect(again).toEqual([{ ...last, id: Number(last?.id) + 1 }]);
  });
});

describe('a turn that its user stops', () => {
  it('ends at once, keeps what was written, counts its tokens, and the model is left', async () => {
    provider.setMode('ok', { delayMs: 200 });
    const streaming = post().then((response) => response.text());
    await expect.poll(async () => (await readMessages()).length).toBe(1);
    await expect.poll(() => provider.requests.length).toBeGreaterThan(0);
    const [question] = await readMessages();
    const turnId = question?.turn_id ?? '';
    await new Promise((resolve) => setTimeout(resolve, 700));
    const stopped = await product.request(user, 'POST', `${turnPath(turnId)}/stop`);
    expect(stopped.status).toBe(200);
    const turn = await stopped.json();
    expect(turn).toMatchObject({ status: 'stopped', error_code: null, usage: { prompt_tokens: expect.any(Number) } });
    const answer = (await readMessages())[1];
    expect(answer?.status).toBe('incomplete');
    expect(TEXT.startsWith(answer?.content ?? '-')).toBe(true);
    const events = readEvents(await streaming);
    expect(events.slice(-2).map(({ event, data }) => [event, data.status ?? data.message.status])).toEqual([
      ['message.completed', 'incomplete'],
      ['turn.completed', 'stopped'],
    ]);
    await expect.poll(() => provider.aborts.length).toBeGreaterThan(0);
    expect(await (await product.request(user, 'POST', `${turnPath(turnId)}/stop`)).json()).toEqual(turn);
    expect(readEvents(await (await readAgain(turnId)).text())).toEqual(events);
    const activity = await product.request(user, 'GET', '/v1/activity?kind=turn.stopped');
    expect(await activity.json()).toMatchObject({ data: [{ kind: 'turn.stopped', subject_id: turnId }] });
  });

  it('stays as it is when it had ended', async () => {
    const turnId = turnIdOf(readEvents(await (await post()).text()));
    const response = await product.request(user, 'POST', `${turnPath(turnId)}/stop`);
    expect(await response.json()).toMatchObject({ status: 'completed' });
  });
});

describe('a turn that is retried', () => {
  const retry = (turnId: string, body: unknown = {}, key?: string) =>
    fetch(`${product.url}${turnPath(turnId)}/retry`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${user.key}`,
        'content-type': 'application/json',
        ...(key && { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });

  async function fail(): Promise<string> {
    provider.setMode('stall-mid-stream');
    const turnId = turnIdOf(readEvents(await (await post()).text()));
    provider.setMode('ok');
    return turnId;
  }

  it('answers the same message in a new turn, without what was written before', async () => {
    const failed = await fail();
    const response = await retry(failed);
    expect(response.status).toBe(200);
    const answer = (await response.json()) as { turn_id: string; seq: number };
    expect(answer).toMatchObject({ status: 'complete', content: TEXT, seq: 3 });
    expect((await readMessages()).map(({ role, status }) => [role, status])).toEqual([
      ['user', 'complete'],
      ['assistant', 'incomplete'],
      ['assistant', 'complete'],
    ]);
    expect(provider.requests.at(-1)?.body.messages).toEqual([{ role: 'user', content: 'Hello' }]);
    await post('More', false);
    expect(provider.requests.at(-1)?.body.messages).toEqual([
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: TEXT },
      { role: 'user', content: 'More' },
    ]);
    const events = readEvents(await (await readAgain(answer.turn_id)).text());
    expect(events[0]?.data.message).toMatchObject({ seq: 1, turn_id: failed, content: 'Hello' });
  });

  it('is one by its key, and streams', async () => {
    const failed = await fail();
    const key = newId();
    const [first, again] = [await retry(failed, { stream: true }, key), await retry(failed, { stream: true }, key)];
    expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    expect(readEvents(await again.text())).toEqual(readEvents(await first.text()));
    expect(await readMessages()).toHaveLength(3);
  });

  it('names the turn that it is retried by, also while that runs', async () => {
    const failed = await fail();
    expect(await readTurn(failed)).toMatchObject({ retried_by: null });
    provider.setMode('stall-mid-stream');
    const response = await retry(failed, { stream: true });
    const retriedBy = response.headers.get('location')?.split('/').at(-1);
    expect(await readTurn(failed)).toMatchObject({ status: 'failed', retried_by: retriedBy });
    const exported = (await (await product.request(user, 'GET', '/v1/me/export')).json()) as { chat_turns: object[] };
    expect(exported.chat_turns).toContainEqual(expect.objectContaining({ id: failed, retried_by: retriedBy }));
    expect(turnIdOf(readEvents(await response.text()))).toBe(retriedBy);
  });

  it('is one of many at once', async () => {
    const failed = await fail();
    const statuses = (await Promise.all(Array.from({ length: 10 }, () => retry(failed)))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, ...Array<number>(9).fill(409)]);
  });

  it('can be retried again when the retry failed without a word', async () => {
    const failed = await fail();
    provider.setMode('401');
    const empty = turnIdOf(readEvents(await (await retry(failed, { stream: true })).text()));
    expect(await readTurn(empty)).toMatchObject({ status: 'failed', answer_seq: null });
    provider.setMode('ok');
    expect((await retry(failed)).status).toBe(409);
    const answer = await retry(empty);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: 'complete', content: TEXT, seq: 3 });
  });

  it('is refused when it completed, is not the last, or does not exist', async () => {
    const completed = turnIdOf(readEvents(await (await post()).text()));
    expect((await retry(completed)).status).toBe(409);
    const failed = await fail();
    await post('Later', false);
    const refused = await retry(failed);
    expect(await refused.json()).toMatchObject({ error: { code: 'chat.turn_not_retryable' } });
    expect((await retry(newId())).status).toBe(404);
  });
});

it('an assistant whose provider is down answers by the offline model, and says so', async () => {
  session = await createSession('desk');
  provider.setMode('http-500');
  const answer = (await (await post('Hello', false)).json()) as { turn_id: string };
  expect(answer).toMatchObject({ model: 'offline', degraded: true, status: 'complete' });
  expect(await readTurn(answer.turn_id)).toMatchObject({ status: 'completed', model: 'stub-model' });
});
