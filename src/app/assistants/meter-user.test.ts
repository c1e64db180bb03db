import { expect, test, vi } from 'vitest';
import { testContext } from '../../../test/harness/test-context.ts';
import { closeAfterEach, startModels } from '../../../test/harness/test-models.ts';
import type { TokenBudget, UsageRecorder } from '../../core/plans/index.ts';
import { meterUser } from './meter-user.ts';

closeAfterEach();

test('what a tool asks of a model is counted at once, though its turn has set tokens aside', async () => {
  const { models } = await startModels();
  const count = vi.fn<TokenBudget['count']>();
  const metering = {
    tokenBudget: { count } as unknown as TokenBudget,
    usage: { record() {} } as unknown as UsageRecorder,
  };
  const metered = meterUser(models, { userId: 'ann', plan: undefined }, metering);
  const answer = await metered.complete({ messages: [{ role: 'user', content: 'Hello' }] }, testContext());
  const { prompt_tokens: prompt, completion_tokens: completion } = answer.usage ?? {};
  expect(count.mock.calls).toEqual([['ann', Number(prompt) + Number(completion)]]);
});
