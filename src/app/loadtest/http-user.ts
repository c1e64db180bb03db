import { Client, type Dispatcher } from 'undici';
import type { Action } from './load-plan.ts';
import type { LoadUser } from './load-user.ts';

/** Longer than any think time: a user's connection stays open, as a browser's does. */
const KEEP_ALIVE_MS = 600_000;
const ANSWER_MS = 60_000;

interface Call {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
  readonly expectedStatus: number;
}

/** What went wrong, so that equal things count together. */
function describe(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? 'unknown';
}

/** A user with a connection of its own. */
export class HttpUser implements LoadUser {
  readonly #client: Client;
  readonly #headers: Record<string, string>;
  #sessionId: string | undefined;
  #etag: string | undefined;

  constructor(url: URL, secret: string) {
    this.#client = new Client(url.origin, {
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    });
    this.#headers = { authorization: `Bearer ${secret}` };
  }

  async do(action: Action): Promise<void> {
    // Everything but creating a session needs one: the first time, whatever was asked for, one is created.
    if (action === 'create' || this.#sessionId === undefined) await this.#create();
    else if (action === 'post') await this.#post(this.#sessionId);
    else await this.#read(this.#sessionId, action === 'unchanged');
  }

  async close(): Promise<void> {
    await this.#client.destroy();
  }

  async #create(): Promise<void> {
    const body = { title: 'Load test' };
    const answer = await this.#call({ method: 'POST', path: '/v1/chat/sessions', body, expectedStatus: 201 });
    this.#sessionId ??= (JSON.parse(answer.text) as { id: string }).id;
  }

  async #post(sessionId: string): Promise<void> {
    const path = `/v1/chat/sessions/${sessionId}/messages`;
    await this.#call({ method: 'POST', path, body: { content: 'Hello from the load test' }, expectedStatus: 200 });
    this.#etag = undefined;
  }

  async #read(sessionId: string, isConditional: boolean): Promise<void> {
    const etag = isConditional ? this.#etag : undefined;
    const { etag: newEtag } = await this.#call({
      method: 'GET',
      path: `/v1/chat/sessions/${sessionId}/messages`,
      ...(etag && { headers: { 'if-none-match': etag } }),
      expectedStatus: etag === undefined ? 200 : 304,
    });
    this.#etag = newEtag;
  }

  async #call({
    method,
    path,
    body,
    headers,
    expectedStatus,
  }: Call): Promise<{ text: string; etag: string | undefined }> {
    try {
      const answer = await this.#client.request({
        method,
        path,
        headers: { ...this.#headers, ...headers, ...(body && { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== expectedStatus) throw new Error(`status ${answer.statusCode}`);
      const { etag } = answer.headers;
      return { text, etag: typeof etag === 'string' ? etag : undefined };
    } catch (error) {
      throw new Error(describe(error), { cause: error });
    }
  }
}
