import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { newId } from '../../../base/ids.ts';
import type { HttpServer } from '../../../platform/http/index.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import type { CallerCache } from '../caller.ts';
import { signInErrors } from '../errors.ts';
import { LogoutBody, RefreshBody, SignedIn, SignInBody, TokenPair } from '../schemas.ts';
import { endSignIn, useRefreshToken } from '../sign-in/queries.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { REFRESH_SECONDS, type Tokens } from '../sign-in/tokens.ts';
import { toAccount } from './to-account.ts';

/** What the routes of signing in need. */
export interface SignInRouteOptions {
  readonly signIn: SignIn;
  readonly tokens: Tokens;
  readonly database: Database;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
  /** The time that each has, in milliseconds. */
  readonly signInBudgetMs: number;
}

const tags = ['Sign-in'];

const BEARER = /^bearer +(\S+)$/i;

function bearerOf(request: FastifyRequest): string | undefined {
  return BEARER.exec(request.headers.authorization ?? '')?.[1];
}

/** `POST /api/auth`. */
function registerSignIn(server: HttpServer, { signIn, tokens, signInBudgetMs: budgetMs }: SignInRouteOptions): void {
  server.post(
    '/api/auth',
    {
      config: { access: 'public', budgetMs },
      schema: {
        tags,
        summary: 'Sign in, or up, with the token of an identity provider',
        description:
          'An account belongs to an identity: the issuer and the subject of the token, never an e-mail address.',
        body: SignInBody,
        response: { 200: SignedIn, 201: SignedIn },
      },
    },
    async (request, reply) => {
      const { token = bearerOf(request), username, referral_code: referralCode } = request.body;
      if (token === undefined) throw signInErrors.raise.missing_token();
      const { ip, context } = request;
      const { account, firstKey } = await signIn.signIn({ token, username, referralCode, ip }, context);
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

/** `POST /api/auth/refresh`. */
function registerRefresh(
  server: HttpServer,
  { tokens, database, callers, signInBudgetMs: budgetMs }: SignInRouteOptions,
): void {
  server.post(
    '/api/auth/refresh',
    {
      config: { access: 'public', budgetMs },
      schema: {
        tags,
        summary: 'Exchange a refresh token for new tokens',
        description:
          'A refresh token is good for one use. One that comes again was stolen, or its thief was first: the sign-in is ended.',
        body: RefreshBody,
        response: { 200: TokenPair },
      },
    },
    async ({ body, context }) => {
      const { userId, signInId, generation } = await tokens.verifyRefresh(body.refresh_token);
      const order = { userId, id: signInId, generation, lifeSeconds: REFRESH_SECONDS };
      const [family] = await database.query(useRefreshToken(order), context);
      if (family === undefined) throw signInErrors.raise.invalid_token();
      if (family.told !== null) callers.invalidate(userId, family.auth_version);
      if (family.is_disabled) throw signInErrors.raise.user_disabled();
      if (family.is_revoked) {
        const isLast = family.generation === generation;
        throw isLast ? signInErrors.raise.signed_out() : signInErrors.raise.refresh_reused();
      }
      return await tokens.issue({ userId, signInId, generation: generation + 1 });
    },
  );
}

/** `POST /api/auth/logout`. */
function registerLogout(
  server: HttpServer,
  { tokens, database, callers, signInBudgetMs: budgetMs }: SignInRouteOptions,
): void {
  server.post(
    '/api/auth/logout',
    {
      config: { access: 'public', budgetMs },
      schema: {
        tags,
        summary: 'End a sign-in: its refresh tokens and its access tokens',
        description: 'Takes the refresh token, or the access token as `Authorization: Bearer`.',
        body: LogoutBody,
        response: { 204: Type.Null({ description: 'The sign-in is ended.' }) },
      },
    },
    async (request, reply) => {
      const { refresh_token: refreshToken } = request.body;
      const bearer = bearerOf(request);
      if (refreshToken === undefined && bearer === undefined) throw signInErrors.raise.missing_token();
      const { userId, signInId } = await (refreshToken === undefined
        ? tokens.verifyAccess(bearer ?? '')
        : tokens.verifyRefresh(refreshToken));
      const order = { userId, id: signInId, lifeSeconds: REFRESH_SECONDS, activityId: newId(), ip: request.ip };
      const [ended] = await database.query(endSignIn(order), request.context);
      if (ended !== undefined) callers.invalidate(userId, ended.auth_version);
      reply.code(204);
      return null;
    },
  );
}

/** Registers `POST /api/auth`, `/api/auth/refresh` and `/api/auth/logout`. */
export function registerSignInRoutes(server: HttpServer, options: SignInRouteOptions): void {
  registerSignIn(server, options);
  registerRefresh(server, options);
  registerLogout(server, options);
}
