import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import plugin from 'fastify-plugin';
import type { CatalogueEntry } from '../../base/errors.ts';

/** What the document says of the server. */
export interface OpenApiOptions {
  readonly version: string;
  readonly errorCodes: readonly CatalogueEntry[];
}

const ErrorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string', description: 'What to do, for people.' },
        type: { type: 'string', description: "The kind of error, in OpenAI's words." },
        param: { type: ['string', 'null'], description: 'The field at fault, such as `messages[0].role`.' },
        code: { type: 'string', description: 'One of `x-error-codes`, for programs.' },
      },
    },
  },
};

const IdempotencyKey = {
  type: 'object',
  properties: {
    'Idempotency-Key': {
      type: 'string',
      maxLength: 255,
      description:
        'What changed something is not done again under the same key within a day: its answer is sent again.',
    },
  },
};

/** Says of an operation whether it takes a key, and with which permission, and whether it can be repeated. */
const describeOperation: SwaggerTransform = ({ schema, url, route }) => {
  const access = route.config?.access ?? 'public';
  const isRepeatable = access !== 'public' && route.method === 'POST';
  return {
    url,
    schema: {
      ...schema,
      ...(isRepeatable && { headers: IdempotencyKey }),
      security: access === 'public' ? [] : [{ bearer: [] }, { apiKey: [] }],
      ...(access === 'public' ? {} : { 'x-permission': access }),
    },
  };
};

/** Adds the answer to an error to every operation. */
const addErrorAnswers: SwaggerTransformObject = (document) => {
  const { openapiObject } = document as { openapiObject: { paths?: object } };
  for (const operations of Object.values(openapiObject.paths ?? {})) {
    for (const operation of Object.values(operations as Record<string, { responses?: object }>)) {
      operation.responses = { ...operation.responses, default: { $ref: '#/components/responses/Error' } };
    }
  }
  return openapiObject as ReturnType<SwaggerTransformObject>;
};

function documentOf({ version, errorCodes }: OpenApiOptions) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Evenkeel',
      version,
      description: 'Every answer has `x-request-id` and `server-timing`; every error has the same shape.',
    },
    components: {
      schemas: { Error: ErrorSchema },
      responses: {
        Error: {
          description: 'An error.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
      securitySchemes: {
        bearer: { type: 'http' as const, scheme: 'bearer', description: 'An API key or an access token.' },
        apiKey: { type: 'apiKey' as const, in: 'header', name: 'x-api-key' },
      },
    },
    'x-error-codes': errorCodes.map(({ code, status, retryable, message }) => ({ code, status, retryable, message })),
  };
}

/**
 * Serves the OpenAPI 3.1 document of all routes at `/openapi.json`, and its pages at `/docs`, which load nothing from
 * elsewhere.
 */
export function registerOpenApi(server: FastifyInstance, options: OpenApiOptions): void {
  // Called, not registered: a registered plug-in starts later, and would not see routes that are added before that.
  const settings = { openapi: documentOf(options), transform: describeOperation, transformObject: addErrorAnswers };
  swagger(server, settings as Parameters<typeof swagger>[1], () => {});
  server.register(plugin(async () => {}, { name: '@fastify/swagger' }));
  server.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    // The validator is a service on the net; these pages work without one.
    uiConfig: { validatorUrl: null } as object,
  });

  server.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(server.swagger()));
  });
}
