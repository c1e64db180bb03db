import { FIRST_ID, newId } from '../../base/ids.ts';
import { actorOf, type CallerCache } from '../../core/accounts/index.ts';
import { keyErrors } from '../../core/keys/index.ts';
import { type Plans, planErrors } from '../../core/plans/index.ts';
import {
  decodeCursor,
  encodeCursor,
  type HttpServer,
  httpErrors,
  ListOf,
  placePart,
  toPage,
} from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { changeUser, listUsers, listUsersByEmail, type UserRow } from './queries.ts';
import { ChangeUser, User, UserListQuery, UserParams } from './schemas.ts';

/** What the routes of users need. */
export interface UserRouteOptions {
  readonly database: Database;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
  readonly plans: Plans;
}

const ACCESS = 'admin';
const tags = ['Operating'];

function toUser({ id, username, email, plan, disabled_at: disabledAt, created_at: createdAt }: UserRow): User {
  const times = { disabled_at: disabledAt?.toISOString() ?? null, created_at: createdAt.toISOString() };
  return { id, object: 'user', username, email, plan, ...times };
}

/** `GET /admin/users`. */
function registerUserList(server: HttpServer, { database }: UserRouteOptions): void {
  server.get(
    '/admin/users',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'listUsers',
        summary: 'List the users',
        description: 'By name.',
        querystring: UserListQuery,
        response: { 200: ListOf(User) },
      },
    },
    async ({ query: { q = '', limit, cursor }, context }) => {
      const scope = `users ${q}`;
      const page = { limit: limit + 1 };
      const isEmail = q.includes('@');
      const [after] = decodeCursor(scope, cursor, [isEmail ? placePart.id : placePart.text]);
      // Usernames are in lower case.
      const statement = isEmail
        ? listUsersByEmail({ ...page, email: q, afterId: after ?? FIRST_ID })
        : listUsers({ ...page, start: q.toLowerCase(), afterName: after ?? '' });
      const rows = await database.query(statement, context);
      const place = ({ id, username }: UserRow) => encodeCursor(scope, [isEmail ? id : username]);
      return toPage(rows, limit, { item: toUser, cursor: place });
    },
  );
}

/** Registers the routes under `/admin/users`. */
export function registerUserRoutes(server: HttpServer, options: UserRouteOptions): void {
  const { database, callers, plans } = options;
  registerUserList(server, options);

  server.patch(
    '/admin/users/:user_id',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'updateUser',
        summary: 'Disable or enable a user, or change the plan',
        description: 'Heard of by every server within a second. Operators cannot disable themselves.',
        params: UserParams,
        body: ChangeUser,
        response: { 200: User },
      },
    },
    async ({ params: { user_id: targetId }, body: { disabled = null, plan = null }, caller, context }) => {
      if (plan !== null && !plans.has(plan)) throw planErrors.raise.not_found({ param: 'plan' });
      if (disabled && targetId === caller.userId) {
        const problem = 'You cannot disable yourself: who would enable you again? Have another operator do it.';
        throw httpErrors.raise.invalid_request({ problem }, { param: 'disabled' });
      }
      const change = { targetId, disabled, plan, disabledActivityId: newId(), planActivityId: newId() };
      const [user] = await database.query(changeUser({ ...actorOf(caller), ...change }), context);
      if (user === undefined) throw keyErrors.raise.user_not_found();
      callers.invalidate(user.id, user.auth_version);
      return toUser(user);
    },
  );
}
