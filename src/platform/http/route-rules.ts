import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { invalidField, nameField } from './validation-fault.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route: everyone (`public`), or a caller with this permission. Every route must say. */
    access?: string;
    /** Further permissions that a caller must have: of a route that answers what other routes guard by them. */
    alsoTakes?: readonly string[];
    /** All that a caller must have, in the order in which they are asked for; made of the two above. */
    permissions?: readonly string[];
    /** The route's time budget in milliseconds; the server's `requestBudgetMs` when absent. */
    budgetMs?: number;
  }
}

/** A route and who may call it: a row of the access table. */
export interface RouteAccess {
  readonly method: string;
  readonly url: string;
  /** `public` or the permission that it takes. */
  readonly access: string;
  /** The schemas of its parts, as they were registered. */
  readonly schema: RouteSchema;
}

/** JSON schemas of the parts of a request, and what the document says of it. */
export interface RouteSchema {
  readonly body?: unknown;
  readonly querystring?: unknown;
  readonly params?: unknown;
  /** What generated clients call it. */
  readonly operationId?: string;
  /** Whether the document leaves it out. */
  readonly hide?: boolean;
}

interface SchemaPart {
  readonly type?: unknown;
  readonly properties?: object;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly unevaluatedProperties?: unknown;
  readonly allOf?: unknown;
}

/** The place of an object in a schema that does not say whether unknown fields are let in; undefined when all do. */
function findOpenObject(schema: unknown, place: string): string | undefined {
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { type, properties, additionalProperties, unevaluatedProperties } = schema as SchemaPart;
  const isObject = type === 'object' && properties !== undefined;
  if (isObject && additionalProperties === undefined && unevaluatedProperties === undefined) return place;
  for (const [name, part] of Object.entries(schema)) {
    // The parts of an intersection are closed together, by `unevaluatedProperties`.
    if (name === 'allOf' || name === 'default' || name === 'examples') continue;
    const found = findOpenObject(part, `${place}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function refuseOpenSchemas(route: RouteOptions): void {
  const { body, querystring } = (route.schema ?? {}) as { body?: unknown; querystring?: unknown };
  const open = findOpenObject(body, 'body') ?? findOpenObject(querystring, 'querystring');
  if (open === undefined) return;
  throw new Error(
    `${route.method} ${route.url}: the object at ${open} must say \`additionalProperties\`: false refuses unknown fields.`,
  );
}

/** An absent body is an empty one where the schema requires no field of it. */
function fillInBody(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  request.body ??= {};
  done();
}

/** A route without a body schema takes no body, or an empty object. */
function refuseBody(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const [field] = Object.keys(request.body ?? {});
  const wrong = 'is unknown here: this route takes no body';
  done(field === undefined ? undefined : invalidField(nameField(field, wrong)));
}

/**
 * The largest body of a public route, unless the server takes less. Several times the longest token, which is what they are sent;
 * a body of 1 MiB of small fields takes 150 ms to read and refuse, and anybody can send them.
 */
const PUBLIC_BODY_BYTES = 64 * 1024;

const NO_QUERY = { type: 'object', properties: {}, additionalProperties: false };

function addStrictness(route: RouteOptions): void {
  const schema = (route.schema ?? {}) as { body?: SchemaPart; querystring?: unknown };
  const before = [route.preValidation ?? []].flat();
  if (schema.body === undefined) route.preValidation = [refuseBody, ...before];
  else if (schema.body.type === 'object' && !schema.body.required?.length)
    route.preValidation = [fillInBody, ...before];
  // Public routes are left to what probes and browsers add to their URLs.
  if (schema.querystring === undefined && route.config?.access !== 'public') {
    route.schema = { ...route.schema, querystring: NO_QUERY };
  }
}

/** Routes of plug-ins that we do not write: the preflights of CORS, and the pages of the documentation. */
function isPlugInRoute(route: RouteOptions): boolean {
  return (route.method === 'OPTIONS' && route.url === '*') || /^\/docs(?:\/|$)/.test(route.url);
}

/** Refuses operations that the document shows without an `operationId`, or under that of another. */
function checkOperationIds(routes: readonly RouteAccess[]): void {
  const placeOf = new Map<string, string>();
  for (const { method, url, schema } of routes) {
    // Fastify makes the HEAD of every GET itself.
    if (schema.hide === true || method === 'HEAD') continue;
    const place = `${method} ${url}`;
    const { operationId } = schema;
    if (operationId === undefined) {
      throw new Error(`${place} must say what generated clients call it: schema: { operationId: 'listThings' }.`);
    }
    const other = placeOf.get(operationId);
    if (other !== undefined)
      throw new Error(`${place} and ${other} must not have the same operationId: ${operationId}.`);
    placeOf.set(operationId, place);
  }
}

/**
 * Holds every route to what all have in common: it says who may call it, and its schemas say of every object whether
 * unknown fields are let in. One that does not is refused when it is registered. Public ones take small bodies only.
 * A server is not ready while one that the document shows has no `operationId`, or that of another.
 */
export function enforceRouteRules(server: FastifyInstance): void {
  server.addHook('onReady', async () => checkOperationIds(listRoutes(server)));
  server.addHook('onRoute', (route) => {
    const config: FastifyContextConfig = route.config ?? {};
    if (isPlugInRoute(route)) config.access ??= 'public';
    const { access } = config;
    if (access === undefined) {
      throw new Error(
        `${route.method} ${route.url} must say who may call it: config: { access: 'public' | <permission> }.`,
      );
    }
    config.permissions = access === 'public' ? [] : [access, ...(config.alsoTakes ?? [])];
    route.config = config;
    if (access === 'public') route.bodyLimit = Math.min(PUBLIC_BODY_BYTES, server.initialConfig.bodyLimit as number);
    refuseOpenSchemas(route);
    addStrictness(route);
    server.lifecycle.routes.push(route);
  });
}

const unsaid: readonly string[] = [''];

/** All that a route takes a caller to have; where nothing says who may call, what nobody has. */
export function permissionsOf({ permissions = unsaid }: FastifyContextConfig): readonly string[] {
  return permissions;
}

/** Every route of a server with who may call it, in the order of registration; what the access table is made from. */
export function listRoutes(server: Pick<FastifyInstance, 'lifecycle'>): readonly RouteAccess[] {
  return server.lifecycle.routes.flatMap(({ method: methods, url, config, schema = {} }) =>
    [methods].flat().map((method) => ({ method, url, access: config?.access as string, schema })),
  );
}
