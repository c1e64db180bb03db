import { type Static, Type } from 'typebox';
import type { HttpServer } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { signInErrors } from '../accounts/index.ts';
import { listReferrals, type ReferralRow } from './queries.ts';

const SHOWN = 1_000;

const Referred = Type.Object(
  {
    user_id: Type.String({ format: 'uuid' }),
    at: Type.String({ format: 'date-time', description: 'When that user signed up.' }),
    status: Type.String({ enum: ['pending', 'rewarded'] }),
  },
  { title: 'ReferredUser' },
);

const Referrals = Type.Object(
  {
    object: Type.Literal('referrals'),
    code: Type.String({ description: 'Sent as `referral_code` by those who sign up.' }),
    referred: Type.Array(Referred, { description: `Who signed up with your code, newest first; the last ${SHOWN}.` }),
    rewards: Type.Object(
      { count: Type.Integer(), tokens: Type.Integer() },
      {
        description:
          'What you were given for your own sign-up by a code, and for those by yours whose accounts are still there.',
      },
    ),
  },
  { title: 'Referrals' },
);

/** @throws AppError 401 `auth.user_disabled` when the account is erased meanwhile: then there is no code, or no row. */
function toReferrals(rows: readonly ReferralRow[]): Static<typeof Referrals> {
  const [first] = rows;
  if (first === undefined || first.code === null) throw signInErrors.raise.user_disabled();
  return {
    object: 'referrals',
    code: first.code,
    referred: rows.flatMap(({ referred_user_id: id, created_at: at, status }) =>
      id === null || status === null ? [] : [{ user_id: id, at: at.toISOString(), status }],
    ),
    rewards: { count: first.rewards, tokens: first.tokens },
  };
}

/** Registers `GET /v1/me/referrals`. */
export function registerReferralRoutes(server: HttpServer, { database }: { readonly database: Database }): void {
  server.get(
    '/v1/me/referrals',
    {
      config: { access: 'account:read' },
      schema: {
        tags: ['Account'],
        operationId: 'readReferrals',
        summary: 'Your referral code, and what came of it',
        response: { 200: Referrals },
      },
    },
    async ({ caller: { userId }, context }) =>
      toReferrals(await database.query(listReferrals({ userId, limit: SHOWN }), context)),
  );
}
