import type { LoadRequest } from '../load/plan.ts';

/** An answer, its body read as JSON; undefined when there was none. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is the asker's business.
  readonly body: any;
}

/** Sends one request and answers what came back, whatever its status. */
export async function ask(port: number, request: Omit<LoadRequest, 'expectedStatus'>): Promise<Answer> {
  const { method, path, headers, body } = request;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

/** Sends one request that must succeed. @throws Error when it is answered with another status. */
export async function expectAnswer(port: number, request: LoadRequest): Promise<Answer> {
  const answer = await ask(port, request);
  if (answer.status !== request.expectedStatus) {
    const route = `${request.method} ${request.path.split('?')[0]}`;
    throw new Error(`${route} answered ${answer.status} ${answer.body?.error?.code ?? ''}`);
  }
  return answer;
}
