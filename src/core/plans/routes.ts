import type { HttpServer } from '../../platform/http/index.ts';
import type { Limiter, LimitRule, Standing } from '../../platform/limits/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { actorOf, type CallerCache, signInErrors } from '../accounts/index.ts';
import { planErrors } from './errors.ts';
import { keyCount, userCount } from './limit-requests.ts';
import type { Plans } from './plans.ts';
import { updatePlan } from './queries.ts';
import type { Plan } from './read-plans.ts';
import { ChoosePlan, Limits, PlanList, Plan as PlanSchema } from './schemas.ts';
import type { TokenBudget, TokenStanding } from './token-budget.ts';

/** What the routes of plans need. */
export interface PlanRouteOptions {
  readonly database: Database;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
  readonly plans: Plans;
  readonly limiter: Limiter;
  readonly tokenBudget: TokenBudget;
}

const tags = ['Plans'];

function toAmounts(rules: readonly LimitRule[]) {
  const amountOf = (name: string) => rules.find(({ window }) => window.name === name)?.limit ?? null;
  return { minute: amountOf('minute'), hour: amountOf('hour'), day: amountOf('day') };
}

function toPlan({ name, requests, requestsPerKey, tokensPerMonth, modelCallsAtOnce }: Plan): PlanSchema {
  return {
    id: name,
    object: 'plan',
    requests: toAmounts(requests),
    requests_per_key: toAmounts(requestsPerKey),
    tokens_per_month: tokensPerMonth ?? null,
    model_calls_at_once: modelCallsAtOnce ?? null,
  };
}

function toStanding({ rule, remaining, endsAtMs }: Standing) {
  return { window: rule.window.name, limit: rule.limit, remaining, resets_at: new Date(endsAtMs).toISOString() };
}

function toTokens({ limit, used, month }: TokenStanding) {
  return { limit, used, remaining: Math.max(0, limit - used), resets_at: new Date(month.endsAtMs).toISOString() };
}

/** `GET /v1/plans`, `GET` and `PUT /v1/me/plan`. */
function registerPlans(server: HttpServer, { database, callers, plans }: PlanRouteOptions): void {
  server.get(
    '/v1/plans',
    {
      config: { access: 'account:read' },
      schema: { tags, operationId: 'listPlans', summary: 'List the plans that there are', response: { 200: PlanList } },
    },
    async () => ({ object: 'list' as const, data: plans.list().map(toPlan), has_more: false, next_cursor: null }),
  );

  server.get(
    '/v1/me/plan',
    {
      config: { access: 'account:read' },
      schema: { tags, operationId: 'readPlan', summary: 'Read about your plan', response: { 200: PlanSchema } },
    },
    async ({ caller }) => toPlan(plans.of(caller)),
  );

  server.put(
    '/v1/me/plan',
    {
      config: { access: 'admin' },
      schema: {
        tags,
        operationId: 'changePlan',
        summary: 'Change to another plan',
        body: ChoosePlan,
        response: { 200: PlanSchema },
      },
    },
    async ({ caller, body, context }) => {
      if (!plans.has(body.plan)) throw planErrors.raise.not_found({ param: 'plan' });
      const [row] = await database.query(updatePlan({ ...actorOf(caller), plan: body.plan }), context);
      if (row === undefined) throw signInErrors.raise.user_disabled();
      callers.invalidate(caller.userId, row.auth_version);
      return toPlan(plans.of(body));
    },
  );
}

/** `GET /v1/me/limits`. */
function registerLimits(server: HttpServer, { plans, limiter, tokenBudget }: PlanRouteOptions): void {
  server.get(
    '/v1/me/limits',
    {
      config: { access: 'account:read' },
      schema: {
        tags,
        operationId: 'readLimits',
        summary: 'Read what is left of your limits',
        description: 'A limit that is not listed does not apply to you.',
        response: { 200: Limits },
      },
    },
    async ({ caller, context }) => {
      const plan = plans.of(caller);
      const { modelCallsAtOnce: limit } = plan;
      const [requests, requestsPerKey, ofMonth] = await Promise.all([
        limiter.inspect({ key: userCount(caller), rules: plan.requests }),
        limiter.inspect({ key: keyCount(caller), rules: plan.requestsPerKey }),
        tokenBudget.inspect(caller, context.deadline),
      ]);
      const openCalls = tokenBudget.countOpenCalls(caller.userId);
      return {
        object: 'limits' as const,
        plan: plan.name,
        requests: requests.map(toStanding),
        requests_per_key: requestsPerKey.map(toStanding),
        tokens: ofMonth === undefined ? null : toTokens(ofMonth),
        model_calls_at_once: limit === undefined ? null : { limit, remaining: Math.max(0, limit - openCalls) },
      };
    },
  );
}

/** Registers the routes of plans and limits. */
export function registerPlanRoutes(server: HttpServer, options: PlanRouteOptions): void {
  server.describeTag('Plans', 'What you may use, what you used, and what is left.');
  registerPlans(server, options);
  registerLimits(server, options);
}
