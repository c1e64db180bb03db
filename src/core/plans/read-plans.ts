import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { parse } from 'yaml';
import { listFaults } from '../../base/schema-faults.ts';
import { ConfigError, type ConfigFile } from '../../platform/config/index.ts';
import { type LimitRule, windows } from '../../platform/limits/index.ts';

const Amount = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 }));

const RequestLimits = Type.Object({ minute: Amount, hour: Amount, day: Amount }, { additionalProperties: false });
type RequestLimits = Static<typeof RequestLimits>;

const PlanLimits = Type.Object(
  {
    requests: Type.Optional(RequestLimits),
    requests_per_key: Type.Optional(RequestLimits),
    tokens_per_month: Amount,
    model_calls_at_once: Amount,
  },
  { additionalProperties: false },
);

/** The file, as YAML or JSON: plans by name. */
const PlansFile = Type.Record(Type.String(), PlanLimits, {
  propertyNames: {
    pattern: '^[a-z][a-z0-9_-]{0,39}$',
    description: 'in lower case, with up to 40 of a-z, 0-9, _ and -',
  },
});
type PlansFile = Static<typeof PlansFile>;

/** What a user of a plan may use. An empty list limits nothing. */
export interface Plan {
  readonly name: string;
  readonly requests: readonly LimitRule[];
  readonly requestsPerKey: readonly LimitRule[];
  /** Undefined when tokens are not limited. */
  readonly tokensPerMonth: number | undefined;
  /** Undefined when they are not limited. */
  readonly modelCallsAtOnce: number | undefined;
}

/** Users on a plan that no longer exists are treated as if they were on this one. */
export const FALLBACK_PLAN = 'free';

function toRules(limits: RequestLimits = {}): LimitRule[] {
  return Object.values(windows).flatMap((window) => {
    const limit = limits[window.name];
    return limit === undefined ? [] : [{ window, limit }];
  });
}

function checkPlans({ content }: Pick<ConfigFile, 'content'>): PlansFile {
  const problems = listFaults(PlansFile, content).map((fault) => `PLANS_FILE: ${fault}`);
  if (problems.length > 0) throw new ConfigError(problems);
  return content as PlansFile;
}

/**
 * Reads the plans: the built-in ones, and those of a file in their place or on top.
 * @throws ConfigError that lists all that is wrong with the file.
 */
export function readPlans(file: Pick<ConfigFile, 'content'> | undefined): ReadonlyMap<string, Plan> {
  const builtIn: PlansFile = parse(readFileSync(join(import.meta.dirname, 'plans.yaml'), 'utf8'));
  const limits = { ...builtIn, ...(file !== undefined && checkPlans(file)) };
  return new Map(
    Object.entries(limits).map(([name, plan]) => [
      name,
      {
        name,
        requests: toRules(plan.requests),
        requestsPerKey: toRules(plan.requests_per_key),
        tokensPerMonth: plan.tokens_per_month,
        modelCallsAtOnce: plan.model_calls_at_once,
      },
    ]),
  );
}
