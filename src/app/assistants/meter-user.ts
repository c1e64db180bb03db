import { type Asking, meterModels } from '../../core/chat/index.ts';
import type { Models } from '../../core/models/index.ts';
import type { TokenBudget, UsageRecorder } from '../../core/plans/index.ts';

/** What counts what assistants ask of models. */
export interface AssistantMetering {
  readonly usage: UsageRecorder;
  readonly tokenBudget: TokenBudget;
}

/**
 * Models as an assistant may ask them for a user. What that costs counts as the user's. Where the plan is known, in a
 * request or a job, tokens are reserved first; in a turn, which has set some aside for all that it does, they are only counted.
 */
export function meterUser(
  models: Models,
  { userId, plan }: { userId: string; plan: string | undefined },
  { usage, tokenBudget }: AssistantMetering,
): Asking {
  const ofTurn = { settle: (usedTokens: number) => tokenBudget.count(userId, usedTokens) };
  const budget = plan === undefined ? { reserve: async () => ofTurn } : tokenBudget;
  return meterModels(models, { userId, plan: plan ?? '' }, { usage, tokenBudget: budget });
}
