import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import { type TSchema, Type } from 'typebox';
import type { CatalogueEntry } from '../../base/errors.ts';
import { STATUS_CODES } from './answer-client-error.ts';
import { type NamedSchemas, nameSchemas } from './name-schemas.ts';
import { suitGenerators } from './suit-generators.ts';
import { WireError } from './wire-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What the data of an event is, where the route answers events, or does so when its body asks for a stream. Only the
     * OpenAPI document reads this.
     */
    streams?: TSchema;
    /** The headers of its answers beside those that go with what it takes. Only the OpenAPI document reads this. */
    answersWith?: readonly ('ETag' | 'Location')[];
  }

  interface FastifyInstance {
    /** Says in a sentence what the routes have in common that the OpenAPI document shows under a tag. */
    describeTag(name: string, description: string): void;
  }
}

/** The JSON schema of a query or a body, as far as it is read here. */
interface RequestPart {
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>;
}

interface RouteParts {
  readonly body?: RequestPart;
  readonly querystring?: RequestPart;
  readonly response?: Readonly<Record<string, unknown>>;
}

/** What the document says of the server. */
export interface OpenApiOptions {
  /** Of the product. */
  readonly version: string;
  /** The errors of all features. */
  readonly errorCodes: readonly CatalogueEntry[];
}

/** The headers that operations take, beside those of all. */
const headerSchemas = {
  'Idempotency-Key': {
    type: 'string',
    maxLength: 257,
    pattern: '^("[!#-~]{1,255}"|[!#-~]{1,255})$',
    description:
      'Up to 255 visible ASCII characters, bare or in double quotes. What changed something is not done again under the same ' +
      'key within a day: its answer is sent again.',
  },
  'If-None-Match': {
    type: 'string',
    description: 'The ETag of an earlier answer, or several: 304 when nothing has changed since.',
  },
  'Last-Event-ID': {
    type: 'string',
    pattern: '^[0-9]{1,9}$',
    description: 'The `id` of the last event that you have: those after it come. Without it, all come.',
  },
};

/** The headers of answers that clients go by, beside those of all. */
const answerHeaders = {
  ETag: 'The version of what was read, for `If-None-Match`.',
  'Idempotent-Replayed': '`true` where an earlier request with the same Idempotency-Key was answered with this.',
  Location: 'The address of what the request began, such as a turn; also where the answer is an error.',
  'Retry-After': 'Seconds after which trying again helps; `retry-after-ms` has them in milliseconds.',
  'X-Should-Retry':
    '`false` where the request may have been done, and is not to be repeated without an Idempotency-Key, or repeating does not help.',
};

/** Of each header that answers have where requests take this one. */
const answeredBy = { 'If-None-Match': 'ETag', 'Idempotency-Key': 'Idempotent-Replayed' };

const refsTo = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** What the plug-in calls an answer whose schema has no description. */
const PLUG_IN_DESCRIPTION = 'Default Response';

type RouteDescription = Parameters<SwaggerTransform>[0]['route'];

/** The schema of a query or a body, which does not require what fills itself in. */
function withoutFilledIn({ required = [], ...schema }: RequestPart): RequestPart {
  const asked = required.filter((name) => schema.properties?.[name]?.default === undefined);
  return { ...schema, ...(asked.length > 0 && { required: asked }) };
}

/** What an operation answers where that is more than its schemas say. */
function describeAnswers({ config, wsHandler }: RouteDescription, answers: RouteParts['response']) {
  if (wsHandler !== undefined) return { 101: { type: 'null', description: 'The WebSocket is open.' } };
  if (config?.streams === undefined) return answers;
  const { 200: whole, ...others } = answers ?? {};
  const json = whole === undefined ? {} : { 'application/json': { schema: whole } };
  // As OpenAI's document has it: the schema of one event's data.
  const content = { ...json, 'text/event-stream': { schema: config.streams } };
  return { ...others, 200: { description: 'The answer.', content } };
}

/** The headers that an operation takes. */
function describeHeaders({ method, config }: RouteDescription, answers: RouteParts['response'] = {}) {
  const { access = 'public', streams } = config ?? {};
  const takes = {
    // What takes a permission to read only reads, whatever its method.
    'Idempotency-Key': method === 'POST' && access !== 'public' && !access.endsWith(':read'),
    'If-None-Match': '304' in answers,
    // As a browser's EventSource sends it, which can do nothing but GET.
    'Last-Event-ID': method === 'GET' && streams !== undefined,
  };
  const taken = Object.entries(headerSchemas).filter(([name]) => takes[name as keyof typeof takes]);
  return { type: 'object', properties: Object.fromEntries(taken) };
}

/** Says of an operation what it takes and answers beside its schemas, and whether it takes a key, and with which permissions. */
const describeOperation: SwaggerTransform = ({ schema, url, route }) => {
  const { access = 'public', permissions = [], answersWith = [] } = route.config ?? {};
  const { body, querystring, response } = (schema ?? {}) as RouteParts;
  return {
    url,
    schema: {
      ...schema,
      ...(body !== undefined && { body: withoutFilledIn(body) }),
      ...(querystring !== undefined && { querystring: withoutFilledIn(querystring) }),
      headers: describeHeaders(route, response),
      response: describeAnswers(route, response),
      security: schema?.security ?? (access === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }]),
      ...(access === 'public' ? {} : { 'x-permission': permissions.join(' ') }),
      'x-answers-with': answersWith,
    },
  };
};

/** What the plug-in writes of an operation. */
interface Operation {
  responses: Record<string, { description?: string; $ref?: string }>;
  parameters?: readonly { name: string }[];
  /** Told by us, for `addAnswerHeaders`. */
  'x-answers-with'?: readonly string[];
  requestBody?: { required?: boolean; content: Record<string, { schema?: RequestPart }> };
}

/** What the plug-in writes of all. */
interface OpenApiDocument {
  readonly paths?: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: NamedSchemas };
}

/** Says which headers the answers of an operation have: those that go with those it takes, and those that its route names. */
function addAnswerHeaders(operation: Operation): void {
  const { responses, parameters = [], 'x-answers-with': named = [] } = operation;
  delete operation['x-answers-with'];
  const names = [...parameters.flatMap(({ name }) => answeredBy[name as keyof typeof answeredBy] ?? []), ...named];
  if (names.length === 0) return;
  for (const answer of Object.values(responses)) Object.assign(answer, { headers: refsTo(names) });
}

/** Says what a status means where the plug-in found nothing to say of the answer. */
function describeStatuses({ responses }: Operation): void {
  for (const [status, answer] of Object.entries(responses)) {
    if (answer.description === PLUG_IN_DESCRIPTION) answer.description = STATUS_CODES[status] ?? status;
  }
}

/**
 * Adds headers, what statuses mean and the answer to an error to every operation, lets a body be left out where nothing of it
 * is required, makes the schemas that have a name components, and suits all to generators of clients.
 */
const completeOperations: SwaggerTransformObject = (document) => {
  const { openapiObject } = document as unknown as { openapiObject: OpenApiDocument };
  const error = { $ref: '#/components/responses/Error' };
  for (const operation of Object.values(openapiObject.paths ?? {}).flatMap((methods) => Object.values(methods))) {
    addAnswerHeaders(operation);
    describeStatuses(operation);
    // A WebSocket's route refuses whoever asks for none.
    if ('101' in operation.responses) operation.responses['426'] = error;
    operation.responses.default = error;
    const { requestBody } = operation;
    const { required = [], minProperties = 0 } = requestBody?.content['application/json']?.schema ?? {};
    if (required.length === 0 && minProperties === 0) delete requestBody?.required;
  }
  const paths = nameSchemas(openapiObject.paths, openapiObject.components.schemas, 'the document');
  return suitGenerators({ ...openapiObject, paths }) as ReturnType<SwaggerTransformObject>;
};

function documentOf({ version, errorCodes }: OpenApiOptions) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Evenkeel',
      version,
      description:
        'Every answer has `x-request-id` and `server-timing`, and where a limit applies `x-ratelimit-limit-requests`, ' +
        '`x-ratelimit-remaining-requests`, `x-ratelimit-reset-requests`, `RateLimit` and `RateLimit-Policy`. Every error has ' +
        'the same shape.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [] as { name: string; description: string }[],
    components: {
      headers: Object.fromEntries(
        Object.entries(answerHeaders).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
      ),
      schemas: { Error: Type.Object({ error: WireError }) },
      responses: {
        Error: {
          description: 'An error.',
          headers: refsTo(['Retry-After', 'X-Should-Retry']),
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
      securitySchemes: {
        bearer: { type: 'http' as const, scheme: 'bearer', description: 'An API key or an access token.' },
        apiKey: { type: 'apiKey' as const, in: 'header', name: 'x-api-key' },
      },
    },
    'x-error-codes': errorCodes.map(({ code, status, retryAfterMs, message }) => {
      return { code, status, retryable: retryAfterMs !== undefined, message };
    }),
  };
}

/** Refuses two schemas of one name that differ. @throws Error that says where and which. */
function checkNames(server: FastifyInstance, schemas: NamedSchemas): void {
  const named = { ...schemas };
  for (const { method, url, schema, config } of server.lifecycle.routes) {
    // Fastify makes the HEAD of every GET itself, of the same schemas.
    if (method === 'HEAD') continue;
    nameSchemas([schema?.body, schema?.response, config?.streams], named, `${method} ${url}`);
  }
}

/**
 * Serves the OpenAPI 3.1 document of all routes at `/openapi.json`, and its pages at `/docs`, which load nothing from
 * elsewhere. A schema with a `title` is a component of that name there. A server is not ready while two of one name differ.
 */
export function registerOpenApi(server: FastifyInstance, options: OpenApiOptions): void {
  // Called, not registered: a registered plug-in starts later, and would not see routes that are added before that.
  const openapi = documentOf(options);
  const settings = { openapi, transform: describeOperation, transformObject: completeOperations };
  swagger(server, settings as Parameters<typeof swagger>[1], () => {});
  server.register(plugin(async () => {}, { name: '@fastify/swagger' }));
  server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    // The validator is a service on the net; these pages work without one. Extensions have the permissions.
    uiConfig: { validatorUrl: null, showExtensions: true } as object,
  });

  server.decorate('describeTag', (name: string, description: string) => void openapi.tags.push({ name, description }));
  server.addHook('onReady', async () => checkNames(server, openapi.components.schemas));

  // Once, by when there is no other route to come.
  let text: string | undefined;
  server.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(server.swagger());
    return reply.type('application/json; charset=utf-8').send(text);
  });
}
