import type { Static, TObject, TProperties, TSchema } from 'typebox';
import type { AssistantContext } from './context.ts';

type Part<Schema> = Schema extends TSchema ? Static<Schema> : undefined;

/** What a route's handler is given: each part as its schema says. */
export interface RouteRequest<Params, Query, Body> {
  readonly params: Part<Params>;
  readonly query: Part<Query>;
  readonly body: Part<Body>;
}

/** A route as an assistant declares it. Its objects are closed: `additionalProperties: false`. */
export interface RouteDefinition<
  Params extends TObject | undefined,
  Query extends TObject | undefined,
  Body extends TObject | undefined,
  Answer extends TSchema,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/<assistant>`: `/items/:item_id`. */
  readonly path: string;
  /** In camelCase: `listItems`. With the assistant's name before it, what a generated client calls it: `todoListItems`. */
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** A body that the route takes, where it takes one: shown in the documentation, and sent by the suites over all routes. */
  readonly example?: Part<Body>;
  /** The status of success: 200. */
  readonly status?: 200 | 201;
  /** What goes out: only what is documented here. */
  readonly answer: Answer;
  /**
   * Does it, for the caller, with what has passed the schemas; answers what goes out. When the caller leaves or the time is up,
   * the calls of the context under way are cancelled and throw.
   * @throws AppError to refuse; any other error is answered 500 and logged.
   */
  run(request: RouteRequest<Params, Query, Body>, context: AssistantContext): Promise<Static<Answer>>;
}

/** A route of any shape. */
export type AssistantRoute = RouteDefinition<
  TObject<TProperties> | undefined,
  TObject<TProperties> | undefined,
  TObject<TProperties> | undefined,
  TSchema
>;

/**
 * Declares a route of an assistant. A `GET` takes the permission `chat:read`, the others `chat:write`. What a path
 * parameter names is made by a `POST` to the path before it, whose answer has its `id`.
 */
export function defineRoute<
  Answer extends TSchema,
  Params extends TObject | undefined = undefined,
  Query extends TObject | undefined = undefined,
  Body extends TObject | undefined = undefined,
>(route: RouteDefinition<Params, Query, Body, Answer>): AssistantRoute {
  // As with tools: the server checks each part against its schema before the handler sees it.
  return route as unknown as AssistantRoute;
}
