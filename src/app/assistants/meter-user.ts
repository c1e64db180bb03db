import { type Asking, meterModels } from '../../core/chat/index.ts';
import type { Models } from '../../core/models/index.ts';
import type { TokenBudget, UsageRecorder } from '../../core/plans/index.ts';

/** What counts what assistants ask of models. */
export interface AssistantMetering {
  readonly usage: UsageRecorder;
  /** Absent where only jobs run. */
  readonly tokenBudget?: TokenBudget;
}

/** A turn has set tokens aside for all that it does; a job was caused by what has been counted. */
const unreserved: Pick<TokenBudget, 'reserve'> = { reserve: async () => ({ settle: () => undefined }) };

/**
 * Models as an assistant may ask them for a user. What that costs counts as the user's. Where the plan is known, in a
 * request, tokens are reserved first.
 */
export function meterUser(
  models: Models,
  { userId, plan }: { userId: string; plan: string | undefined },
  { usage, tokenBudget }: AssistantMetering,
): Asking {
  const budget = plan === undefined ? undefined : tokenBudget;
  return meterModels(models, { userId, plan: plan ?? '' }, { usage, tokenBudget: budget ?? unreserved });
}
