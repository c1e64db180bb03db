import { Type } from 'typebox';
import { newId } from '../../../base/ids.ts';
import type { HttpServer } from '../../../platform/http/index.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import type { CallerCache } from '../caller.ts';
import { NO_TOKEN_OF_OURS, signInErrors } from '../errors.ts';
import { type RepeatableRequest, withoutBlindRetry } from '../idempotency.ts';
import { readBearer } from '../read-bearer.ts';
import { LogoutBody, RefreshBody, SignedIn, SignInBody, TokenPair } from '../schemas.ts';
import type { CountFailures } from '../sign-in/count-failures.ts';
import { endSignIn, useRefreshToken } from '../sign-in/queries.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { REFRESH_SECONDS, type Tokens } from '../sign-in/tokens.ts';
import { toAccount } from './to-account.ts';

/** What the routes of signing in need. */
export interface SignInRouteOptions {
  readonly signIn: SignIn;
  readonly tokens: Tokens;
  /** Counts the tokens that are refused. */
  readonly countFailures: CountFailures;
  readonly database: Database;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
  /** The time that each has, in milliseconds. */
  readonly signInBudgetMs: number;
}

const tags = ['Sign-in'];

/** `POST /api/auth`. */
function registerSignIn(server: HttpServer, options: SignInRouteOptions): void {
  const { signIn, tokens, countFailures, signInBudgetMs: budgetMs } = options;
  server.post(
    '/api/auth',
    {
      config: { access: 'public', budgetMs },
      schema: {
        tags,
        operationId: 'signIn',
        summary: 'Sign in, or up, with the token of an identity provider',
        description:
          'An account belongs to an identity: the issuer and the subject of the token, never an e-mail address.',
        body: SignInBody,
        response: { 200: SignedIn, 201: SignedIn },
      },
    },
    async (request, reply) => {
      const { token = readBearer(request.headers), username = null, referral_code: referralCode = null } = request.body;
      if (token === undefined) throw signInErrors.raise.missing_token({ field: 'token' });
      const { ip, context } = request;
      const order = { token, username, referralCode, ip };
      const { account, firstKey } = await countFailures(order, () => signIn.signIn(order, context));
      const isNew = firstKey !== undefined;
      reply.code(isNew ? 201 : 200);
      return {
        user: toAccount(account),
        is_new_user: isNew,
        // Nothing is stored of a sign-in: its family of refresh tokens begins with the first refresh.
        ...(await tokens.issue({ userId: account.userId, signInId: newId(), generation: 0 })),
        ...(isNew && { api_key: firstKey }),
      };
    },
  );
}

/** New tokens for a refresh token. */
async function refresh(
  options: SignInRouteOptions,
  token: string,
  { request, reply }: Omit<RepeatableRequest, 'isKeyed'>,
): Promise<TokenPair> {
  const { tokens, database, callers } = options;
  const { ip, context } = request;
  const { userId, signInId, generation } = await tokens.verifyRefresh(token);
  const order = { userId, id: signInId, generation, lifeSeconds: REFRESH_SECONDS, activityId: newId(), ip };
  // Sent again by the client on its own, a token whose use was stored would end the sign-in as stolen.
  const use = () => database.query(useRefreshToken(order), context);
  const [family] = await withoutBlindRetry({ request, reply, isKeyed: false }, use);
  if (family === undefined) throw signInErrors.raise.invalid_token({ why: NO_TOKEN_OF_OURS });
  if (family.told !== null) callers.invalidate(userId, family.auth_version);
  if (family.is_disabled) throw signInErrors.raise.user_disabled();
  if (family.is_revoked) {
    const isLast = family.generation === generation;
    throw isLast ? signInErrors.raise.signed_out() : signInErrors.raise.refresh_reused();
  }
  return await tokens.issue({ userId, signInId, generation: generation + 1 });
}

/** `POST /api/auth/refresh`. */
function registerRefresh(server: HttpServer, options: SignInRouteOptions): void {
  server.post(
    '/api/auth/refresh',
    {
      config: { access: 'public', budgetMs: options.signInBudgetMs },
      schema: {
        tags,
        operationId: 'refreshTokens',
        summary: 'Exchange a refresh token for new tokens',
        description:
          'A refresh token is good for one use. One that comes again was stolen, or its thief was first: the sign-in is ended.',
        body: RefreshBody,
        response: { 200: TokenPair },
      },
    },
    async (request, reply) => {
      const { refresh_token: token } = request.body;
      return options.countFailures({ token, ip: request.ip }, () => refresh(options, token, { request, reply }));
    },
  );
}

/** `POST /api/auth/logout`. */
function registerLogout(server: HttpServer, options: SignInRouteOptions): void {
  const { tokens, countFailures, database, callers } = options;
  server.post(
    '/api/auth/logout',
    {
      config: { access: 'public', budgetMs: options.signInBudgetMs },
      schema: {
        tags,
        operationId: 'signOut',
        summary: 'End a sign-in: its refresh tokens and its access tokens',
        description: 'Takes the refresh token, or the access token as `Authorization: Bearer`.',
        security: [{ bearer: [] }, {}],
        body: LogoutBody,
        response: { 204: Type.Null({ description: 'The sign-in is ended.' }) },
      },
    },
    async (request, reply) => {
      const { ip, context, body } = request;
      const isRefreshToken = body.refresh_token !== undefined;
      const token = body.refresh_token ?? readBearer(request.headers);
      if (token === undefined) throw signInErrors.raise.missing_token({ field: 'refresh_token' });
      const { userId, signInId } = await countFailures({ token, ip }, () =>
        isRefreshToken ? tokens.verifyRefresh(token) : tokens.verifyAccess(token),
      );
      const order = { userId, id: signInId, lifeSeconds: REFRESH_SECONDS, activityId: newId(), ip };
      const [ended] = await database.query(endSignIn(order), context);
      if (ended !== undefined) callers.invalidate(userId, ended.auth_version);
      reply.code(204);
      return null;
    },
  );
}

/** Registers `POST /api/auth`, `/api/auth/refresh` and `/api/auth/logout`. */
export function registerSignInRoutes(server: HttpServer, options: SignInRouteOptions): void {
  server.describeTag('Sign-in', 'Accounts and tokens for those whom an identity provider knows.');
  registerSignIn(server, options);
  registerRefresh(server, options);
  registerLogout(server, options);
}
