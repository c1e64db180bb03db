import { type Static, Type } from 'typebox';
import { ListOf, Nullable } from '../../platform/http/index.ts';

const Amount = Nullable(Type.Integer({ description: 'Null where it is not limited.' }));

const RequestAmounts = Type.Object({ minute: Amount, hour: Amount, day: Amount }, { title: 'RequestAmounts' });

/** A plan, and what it allows. */
export const Plan = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('plan'),
    requests: RequestAmounts,
    requests_per_key: RequestAmounts,
    tokens_per_month: Amount,
    model_calls_at_once: Amount,
  },
  { title: 'Plan' },
);
export type Plan = Static<typeof Plan>;

/** All plans. */
export const PlanList = ListOf(Plan);

/** The body of `PUT /v1/me/plan`. */
export const ChoosePlan = Type.Object(
  { plan: Type.String({ minLength: 1, maxLength: 40, description: 'The id of a plan.' }) },
  { additionalProperties: false, examples: [{ plan: 'pro' }] },
);

const LimitStanding = Type.Object(
  {
    window: Type.String({ description: '`minute`, `hour` or `day`.' }),
    limit: Type.Integer(),
    remaining: Type.Integer(),
    resets_at: Type.String({ format: 'date-time' }),
  },
  { title: 'LimitStanding' },
);

/** What is left of each limit. */
export const Limits = Type.Object(
  {
    object: Type.Literal('limits'),
    plan: Type.String(),
    requests: Type.Array(LimitStanding),
    requests_per_key: Type.Array(LimitStanding, { description: 'Of the key that asks.' }),
    tokens: Nullable(
      Type.Object(
        {
          limit: Type.Integer(),
          used: Type.Integer(),
          remaining: Type.Integer(),
          resets_at: Type.String({ format: 'date-time' }),
        },
        { description: 'Of this month; null where they are not limited.' },
      ),
    ),
    model_calls_at_once: Nullable(
      Type.Object(
        { limit: Type.Integer(), remaining: Type.Integer() },
        { description: 'On the server that answers; null where they are not limited.' },
      ),
    ),
  },
  { title: 'Limits' },
);
