import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { onTestFinished } from 'vitest';

/** A request's fate. */
export interface Answer {
  readonly ask: Ask;
  /** 0 when the connection broke. */
  readonly status: number;
  /** The error's code, if it is an error. */
  readonly code: string | undefined;
  readonly body: Record<string, unknown>;
  readonly retryAfterSeconds: number;
  /** What the log calls the request; empty when the connection broke. */
  readonly requestId: string;
  /** When it was sent and when it was answered, on this process's monotonic clock. */
  readonly sentAtMs: number;
  readonly answeredAtMs: number;
}

/** A request to be sent. */
export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
  /** Another key than the first user's. */
  readonly key?: string;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Sends requests over connections of its own. */
export type Send = (ask: Ask) => Promise<Answer>;

/** Where requests go, and whose they are. */
export interface Reachable {
  readonly server: { readonly url: string };
  readonly key: string;
}

/** A client of a server. */
export function createClient({ server, key }: Reachable, connections = 200): Send {
  const agent = new Agent({ connections });
  onTestFinished(() => agent.destroy());
  return async (ask) => {
    const { method = 'GET', path, body, key: otherKey = key, idempotencyKey, signal } = ask;
    const sentAtMs = performance.now();
    const answer = (status: number, fields: Partial<Answer> = {}): Answer => ({
      ...{ ask, status, code: undefined, body: {}, retryAfterSeconds: 0, requestId: '' },
      ...{ sentAtMs, answeredAtMs: performance.now() },
      ...fields,
    });
    try {
      const response = await request(server.url + path, {
        method,
        dispatcher: agent,
        headers: {
          authorization: `Bearer ${otherKey}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      });
      const read = (await response.body.json()) as Record<string, unknown> & { error?: { code: string } };
      const retryAfterSeconds = Number(response.headers['retry-after'] ?? 0);
      const requestId = String(response.headers['x-request-id']);
      return answer(response.statusCode, { code: read.error?.code, body: read, retryAfterSeconds, requestId });
    } catch (error) {
      return answer(0, { code: String(error) });
    }
  };
}

/** Requests that go on until they are told to stop. */
export interface Load {
  readonly answers: Answer[];
  /** Resolves when the last request is answered. */
  stop(): Promise<void>;
}

/** Keeps so many workers busy, each sending its next request a moment after the answer to the one before. */
export function startLoad(send: Send, workers: number, next: () => Ask): Load {
  const answers: Answer[] = [];
  let isStopped = false;
  const work = async (): Promise<void> => {
    while (!isStopped) {
      answers.push(await send(next()));
      await sleep(20);
    }
  };
  const working = Promise.all(Array.from({ length: workers }, work));
  return {
    answers,
    stop: async () => {
      isStopped = true;
      await working;
    },
  };
}

/** Writes with a number in each, by which each can be told from all others of its name, and its own Idempotency-Key. */
export function numberedWrites(name = 'write'): () => Ask {
  let written = 0;
  return () => {
    const title = `${name} ${++written}`;
    return { method: 'POST', path: '/v1/chat/sessions', body: { title }, idempotencyKey: title.replaceAll(' ', '-') };
  };
}

/** How many writes are sent again at once. */
const REPLAYED_AT_ONCE = 50;

/** Sends writes that were not answered 201 again, as they were, until they are. */
export async function replayUnanswered(send: Send, answers: readonly Answer[]): Promise<void> {
  const left = answers.filter(({ status }) => status !== 201).map(({ ask }) => ask);
  const work = async (): Promise<void> => {
    for (let ask = left.pop(); ask !== undefined; ask = left.pop()) {
      let tries = 1;
      while ((await send(ask)).status !== 201) if (++tries > 10) throw new Error('a write cannot be repeated');
    }
  };
  await Promise.all(Array.from({ length: REPLAYED_AT_ONCE }, work));
}

/** The titles of writes, answered or not, that are not stored exactly once. */
export async function findNotOnce(send: Send, answers: readonly Answer[]): Promise<string[]> {
  const counts = await countTitles(send);
  const titles = answers.map(({ ask }) => (ask.body as { title: string }).title);
  return titles.filter((title) => counts.get(title) !== 1);
}

/** How often each title is among the stored sessions. */
export async function countTitles(send: Send): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let cursor: unknown = ''; cursor !== null; ) {
    const { body } = await send({ path: `/v1/chat/sessions?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}` });
    const titles = (body.data as { title: string | null }[]).flatMap(({ title }) => title ?? []);
    for (const title of titles) counts.set(title, (counts.get(title) ?? 0) + 1);
    cursor = body.next_cursor;
  }
  return counts;
}

/** The titles of writes that were answered 201 and are not stored, and those that are stored twice. */
export async function findLostAndDoubled(
  send: Send,
  answers: readonly Answer[],
): Promise<{ lost: string[]; doubled: string[] }> {
  const counts = await countTitles(send);
  const written = answers.filter(({ status }) => status === 201).map(({ body }) => String(body.title));
  return {
    lost: written.filter((title) => !counts.has(title)),
    doubled: [...counts].filter(([, count]) => count > 1).map(([title]) => title),
  };
}

/** The ids of requests that were answered 5xx and that the server's log does not tell of. */
export function findUnlogged(answers: readonly Answer[], output: string): string[] {
  const logged = new Set(Array.from(output.matchAll(/"request_id":"([^"]+)"/g), ([, id]) => id));
  const failed = answers.filter(({ status }) => status >= 500);
  return failed.map(({ requestId }) => requestId).filter((id) => !logged.has(id));
}
