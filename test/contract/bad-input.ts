import { Readable } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type HttpServer, listRoutes, type RouteAccess } from '../../src/platform/http/index.ts';
import { connectRaw } from '../harness/http-server.ts';
import { type BadBody, bodiesAgainst, malformedBodies } from './bad-bodies.ts';
import { cursorsLike, pathsAgainst, queriesAgainst } from './bad-parameters.ts';
import { CANARY, type JsonSchema } from './schema-faults.ts';

/** What the suite runs against. */
export interface BadInputTarget {
  readonly server: HttpServer;
  /** How many rows there are in all tables that a route may write. */
  countRows(): Promise<number>;
  /** The credential of a caller who may call every route. */
  readonly headers: Readonly<Record<string, string>>;
  /** Values of path parameters, by name; a new id for those that are not here. */
  readonly ids?: Readonly<Record<string, string>>;
  /** Of routes that are not public. */
  readonly bodyLimitBytes: number;
}

/** A route to be tried. Its schemas are read from the server. */
export interface BadInputRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As registered: `/v1/chat/sessions/:session_id`. */
  readonly url: string;
  /** A body that the route takes; the wrong ones are made from it. */
  readonly validBody?: Record<string, unknown>;
  readonly validQuery?: Readonly<Record<string, string>>;
  /** Wrong by what the route's code checks and its schema does not say. */
  readonly badBodies?: readonly { name: string; body: Record<string, unknown>; param: string }[];
}

interface Answer {
  readonly statusCode: number;
  readonly body: string;
}

interface Expected {
  readonly name: string;
  readonly status?: number;
  readonly param?: string;
}

/** The longest body of a public route. */
const PUBLIC_BODY_BYTES = 65_536;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** A refusal takes a tenth of a second at most; the rest is for a busy machine, which a pattern that explodes outlasts. */
const SLOWEST_MS = 2_000;

function checkRefusal(answer: Answer, { name, status, param }: Expected): void {
  expect(answer.statusCode, name).toBeGreaterThanOrEqual(400);
  expect(answer.statusCode, `${name}: ${answer.body}`).toBeLessThan(500);
  if (status !== undefined) expect(answer.statusCode, `${name}: ${answer.body}`).toBe(status);
  expect(JSON.parse(answer.body), name).toEqual({
    error: {
      message: expect.any(String),
      type: expect.any(String),
      param: expect.toSatisfy(isParam),
      code: expect.any(String),
    },
  });
  const { error } = JSON.parse(answer.body) as { error: { param: string | null } };
  if (param !== undefined) {
    const isNamed =
      error.param === param || error.param?.startsWith(`${param}.`) || error.param?.startsWith(`${param}[`);
    expect(isNamed, `${name} names ${error.param} in place of ${param}`).toBe(true);
  }
  // The name of an unknown field is repeated, its value never.
  expect(answer.body, name).not.toContain(CANARY);
}

function isParam(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value !== '');
}

/** Sends bare bytes and gives the one answer that comes. */
async function exchange(server: HttpServer, bytes: string): Promise<Answer> {
  if (!server.server.listening) await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as { port: number };
  const received = await connectRaw(port, bytes).closed();
  const statusCode = Number(/^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1]);
  return { statusCode, body: received.slice(received.indexOf('\r\n\r\n') + 4) };
}

/** One route on one target, ready to be sent to. */
class Trial {
  readonly target: BadInputTarget;
  readonly route: BadInputRoute;
  readonly registered: RouteAccess;

  constructor(target: BadInputTarget, route: BadInputRoute) {
    this.target = target;
    this.route = route;
    const found = listRoutes(target.server).find(({ method, url }) => method === route.method && url === route.url);
    if (found === undefined) throw new Error(`There is no route ${route.method} ${route.url}.`);
    this.registered = found;
  }

  get bodyLimitBytes(): number {
    return this.registered.access === 'public' ? PUBLIC_BODY_BYTES : this.target.bodyLimitBytes;
  }

  schemaOf(part: 'body' | 'querystring' | 'params'): JsonSchema | undefined {
    return this.registered.schema[part] as JsonSchema | undefined;
  }

  readonly fill = (pattern: string): string =>
    pattern.replaceAll(/:(\w+)/g, (_match, name: string) => this.target.ids?.[name] ?? newId());

  /** The route's own address, with the query that it needs. */
  get url(): string {
    const query = new URLSearchParams(this.route.validQuery).toString();
    return this.fill(this.route.url) + (query === '' ? '' : `?${query}`);
  }

  async send(url: string, bad?: Pick<BadBody, 'payload' | 'headers'>): Promise<Answer> {
    const { method, validBody } = this.route;
    const payload = bad?.payload ?? (validBody === undefined ? undefined : JSON.stringify(validBody));
    const type = payload === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { ...this.target.headers, ...type, ...bad?.headers };
    const startedAtMs = performance.now();
    const answer = await this.target.server.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    expect(performance.now() - startedAtMs, `${method} ${url.slice(0, 100)}`).toBeLessThan(SLOWEST_MS);
    return answer;
  }

  async sendBodies(bodies: readonly BadBody[]): Promise<void> {
    for (const bad of bodies) checkRefusal(await this.send(this.url, bad), bad);
  }

  /** The bytes of the request's head, up to where more headers can be added. */
  head(): string {
    const headers = Object.entries(this.target.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${this.route.method} ${this.url} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers.join('')}`;
  }
}

async function sendMalformedBodies(trial: Trial): Promise<void> {
  const body = trial.schemaOf('body');
  const { bodyLimitBytes } = trial;
  // An absent body is as good as an empty one where no field is required.
  const isOptional = body?.required === undefined || body.required.length === 0;
  await trial.sendBodies(malformedBodies(bodyLimitBytes).filter(({ name }) => name !== 'nothing' || !isOptional));
  const headers = { ...trial.target.headers, 'content-type': 'application/json' };
  const payload = Readable.from([Buffer.alloc(bodyLimitBytes, 0x20), Buffer.from(' ')]);
  const chunked = await trial.target.server.inject({ method: trial.route.method, url: trial.url, headers, payload });
  checkRefusal(chunked, { name: 'a byte over the limit, chunked', status: 413 });
}

async function sendBadHeaders(trial: Trial): Promise<void> {
  const { server } = trial.target;
  const twice = 'authorization: Bearer a\r\nAuthorization: Bearer b\r\n';
  const two = await exchange(server, `${trial.head()}${twice}\r\n`);
  checkRefusal(two, { name: 'two Authorization headers', status: 400, param: 'authorization' });
  const large = await exchange(server, `${trial.head()}x-large: ${'x'.repeat(20_000)}\r\n\r\n`);
  checkRefusal(large, { name: 'headers of 20 kB', status: 431 });
}

async function sendWrongMethods(trial: Trial): Promise<void> {
  const { server } = trial.target;
  const taken = listRoutes(server).filter(({ url }) => url === trial.route.url);
  const path = trial.fill(trial.route.url);
  for (const method of METHODS.filter((one) => taken.every((route) => route.method !== one))) {
    const answer = await server.inject({ method, url: path, headers: trial.target.headers });
    // Another pattern may take the method at this very path.
    if (server.findRoute({ method, url: path }) === null) checkRefusal(answer, { name: method, status: 405 });
  }
}

interface Check {
  readonly what: string;
  applies(route: BadInputRoute): boolean;
  run(trial: Trial): Promise<void>;
}

const always = (): boolean => true;
const hasBody = (route: BadInputRoute): boolean => route.validBody !== undefined;

/** Begins with a cursor that the list gives, so that there must be two of what it lists. */
async function sendForgedCursors(trial: Trial): Promise<void> {
  const send = (pairs: Record<string, string>): Promise<Answer> =>
    trial.send(`${trial.fill(trial.route.url)}?${new URLSearchParams({ ...trial.route.validQuery, ...pairs })}`);
  const { next_cursor: own } = JSON.parse((await send({ limit: '1' })).body) as { next_cursor?: string | null };
  if (typeof own !== 'string') throw new Error(`${trial.url} has no second page: make two of what it lists.`);
  for (const { name, cursor, isName } of cursorsLike(own)) {
    const answer = await send({ cursor });
    if (answer.statusCode !== 200 || !isName) checkRefusal(answer, { name, status: 400, param: 'cursor' });
  }
}

async function sendBadQueries(trial: Trial): Promise<void> {
  const schema = trial.schemaOf('querystring');
  if (schema === undefined) return;
  for (const bad of queriesAgainst(schema, trial.fill(trial.route.url), trial.route.validQuery ?? {})) {
    checkRefusal(await trial.send(bad.url), { ...bad, status: 400 });
  }
  if (schema.properties?.cursor !== undefined) await sendForgedCursors(trial);
}

async function sendBadPaths(trial: Trial): Promise<void> {
  const schema = trial.schemaOf('params') ?? {};
  for (const bad of pathsAgainst(schema, trial.route.url, trial.fill)) checkRefusal(await trial.send(bad.url), bad);
}

const CHECKS: readonly Check[] = [
  {
    what: 'bodies that are no JSON object, too large or of the wrong kind',
    applies: hasBody,
    run: sendMalformedBodies,
  },
  {
    what: 'bodies that do not fit its schema, naming the field',
    applies: hasBody,
    run: (trial) => trial.sendBodies(bodiesAgainst(trial.schemaOf('body') ?? {}, trial.route.validBody ?? {})),
  },
  {
    what: 'bodies that its own rules forbid, naming the field',
    applies: ({ badBodies }) => badBodies !== undefined,
    run: (trial) =>
      trial.sendBodies(
        (trial.route.badBodies ?? []).map(({ body, ...bad }) => ({ ...bad, payload: JSON.stringify(body) })),
      ),
  },
  {
    what: 'queries that do not fit its schema and cursors that it never gave, naming the parameter',
    applies: always,
    run: sendBadQueries,
  },
  { what: 'ids that are none and paths that are tricks', applies: ({ url }) => url.includes(':'), run: sendBadPaths },
  { what: 'headers that are doubled or too large', applies: always, run: sendBadHeaders },
  { what: 'methods that it does not take', applies: always, run: sendWrongMethods },
];

/**
 * The contract of every route with whoever sends nonsense: it is answered 4xx in OpenAI's shape, naming the field at
 * fault, repeating no value, and no row is written. The cases come from the route's schemas and a valid request.
 */
export function describeBadInput(getTarget: () => BadInputTarget, routes: readonly BadInputRoute[]): void {
  describe.each(routes.map((route) => [`${route.method} ${route.url}`, route] as const))(
    '%s refuses',
    (_name, route) => {
      let trial: Trial;
      beforeAll(() => {
        trial = new Trial(getTarget(), route);
      });

      for (const { what, run } of CHECKS.filter(({ applies }) => applies(route))) {
        test(`${what}, and writes nothing`, async () => {
          const before = await trial.target.countRows();
          await run(trial);
          expect(await trial.target.countRows()).toBe(before);
        });
      }
    },
  );
}
