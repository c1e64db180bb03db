import { explainErrors, type HttpServer, httpErrors } from '../../../platform/http/index.ts';
import { type Database, sqlState, UNIQUE_VIOLATION } from '../../../platform/postgres/index.ts';
import { actorOf, type Caller, type CallerCache } from '../caller.ts';
import { signInErrors } from '../errors.ts';
import { explainErasing } from '../explain-erasing.ts';
import { beginErasing, updateAccount } from '../queries.ts';
import { Account, EraseAccount, ErasedAccount, UpdateAccount } from '../schemas.ts';
import { toAccount } from './to-account.ts';

/** What the routes of the account need. */
export interface AccountRouteOptions {
  readonly database: Database;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
}

/** Settings are cached with each key of the caller: more would be memory of every server. */
const SETTINGS_BYTES = 8 * 1024;
const tags = ['Account'];

/** The settings as they are stored. @throws AppError 400 when they are too large. */
function serializeSettings(settings: object | undefined): string | null {
  if (settings === undefined) return null;
  const text = JSON.stringify(settings);
  if (Buffer.byteLength(text) <= SETTINGS_BYTES) return text;
  throw httpErrors.raise.invalid_request({ problem: 'Settings may be 8 kB of JSON.' }, { param: 'settings' });
}

function toChange(caller: Caller, { username, email, settings }: UpdateAccount) {
  return {
    ...actorOf(caller),
    username: username ?? null,
    changesEmail: email !== undefined,
    email: email ?? null,
    settings: serializeSettings(settings),
  };
}

/** `DELETE /v1/me`. What is under way for the user meanwhile, on whatever route, is told so. */
function registerErasing(server: HttpServer, { database, callers }: AccountRouteOptions): void {
  explainErrors(server, (error, { caller }: { caller: Caller | null }) => explainErasing(error, caller?.userId));
  server.delete(
    '/v1/me',
    {
      config: { access: 'account:write' },
      schema: {
        tags,
        operationId: 'eraseAccount',
        summary: 'Erase your account with all that is stored about you',
        description:
          'Your keys and tokens are dead at once, and your username and your identities free. What you stored is erased ' +
          'right after; nothing brings it back.',
        querystring: EraseAccount,
        response: { 200: ErasedAccount },
      },
    },
    async ({ caller: { userId, username }, query, context }) => {
      if (query.confirm !== username) {
        const problem = 'To erase the account, send its username as "confirm".';
        throw httpErrors.raise.invalid_request({ problem }, { param: 'confirm' });
      }
      const [account] = await database.query(beginErasing({ userId }), context);
      if (account === undefined) throw signInErrors.raise.user_disabled();
      callers.invalidate(userId, account.auth_version);
      return { id: userId, object: 'user' as const, deleted: true as const };
    },
  );
}

/** Registers `GET`, `PATCH` and `DELETE /v1/me`. */
export function registerAccountRoutes(server: HttpServer, options: AccountRouteOptions): void {
  server.describeTag('Account', 'Who you are, what you did, and all that is stored about you.');
  const { database, callers } = options;
  registerErasing(server, options);
  server.get(
    '/v1/me',
    {
      config: { access: 'account:read' },
      schema: { tags, operationId: 'readAccount', summary: 'Who you are', response: { 200: Account } },
    },
    async ({ caller }) => toAccount(caller),
  );

  server.patch(
    '/v1/me',
    {
      config: { access: 'account:write' },
      schema: {
        tags,
        operationId: 'updateAccount',
        summary: 'Change your account',
        body: UpdateAccount,
        response: { 200: Account },
      },
    },
    async ({ caller, body, context }) => {
      const statement = updateAccount(toChange(caller, body));
      const [changed] = await database.query(statement, context).catch((error: unknown) => {
        const isTaken = sqlState(error) === UNIQUE_VIOLATION;
        throw isTaken ? signInErrors.raise.username_taken({ param: 'username' }) : error;
      });
      if (changed === undefined) throw signInErrors.raise.user_disabled();
      callers.invalidate(caller.userId, changed.auth_version);
      const settings = JSON.stringify(changed.settings);
      return toAccount({ ...caller, username: changed.username, email: changed.email, settings });
    },
  );
}
