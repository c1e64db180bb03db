import { expect, test } from 'vitest';
import { newRunningTurn } from '../../../../test/harness/new-running-turn.ts';
import { newId } from '../../../base/ids.ts';
import { createLogger, Trouble } from '../../../platform/log/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import type { ModelUse } from '../../plans/index.ts';
import type { TurnRow } from './queries.ts';
import { type EndTurnOptions, endTurn } from './turn-end.ts';

/** What is found of a turn that is not there to be ended, and how it came to that. */
interface Lost {
  readonly failure?: Error;
  readonly row?: Partial<TurnRow>;
  readonly disabledAt?: Date;
  readonly isUnheard?: boolean;
  readonly isUsed?: boolean;
}

/** Ends such a turn; answers what its reader was told, and what was counted. */
async function endLost(found: Lost) {
  const turn = newRunningTurn();
  if (found.isUsed) turn.addUsage({ prompt_tokens: 90, completion_tokens: 10 });
  const log = createLogger({ level: 'silent' });
  let tries = 0;
  const batches = {
    endTurn: async () => {
      if (tries++ === 0 && found.isUnheard) throw postgresErrors.raise.timeout();
      return [];
    },
    findTurn: async () => (found.row === undefined ? [] : [found.row]),
  };
  const counted: ModelUse[] = [];
  await endTurn(turn, found.failure, {
    ...{ batches, log, trouble: new Trouble(log, { begins: '', ends: '' }), owner: newId() },
    database: { query: async () => [{ disabled_at: found.disabledAt ?? null }] },
    usage: { record: (use: ModelUse) => counted.push(use) },
    ...{ statementBudgetMs: 1_000, lastTry: new AbortController().signal },
  } as unknown as EndTurnOptions);
  return { code: await turn.result.catch(({ code }) => code), counted };
}

test('a turn that is gone before it cost anything ends so, and counts for nothing', async () => {
  expect(await endLost({})).toEqual({ code: 'chat.session_not_found', counted: [] });
});

test('a turn that is gone because its user is being erased ends with that', async () => {
  expect(await endLost({ disabledAt: new Date() })).toMatchObject({ code: 'auth.user_disabled' });
});

test('what a turn cost that is gone is counted', async () => {
  expect((await endLost({ isUsed: true })).counted).toMatchObject([
    { promptTokens: 90, completionTokens: 10, requests: 1 },
  ]);
});

test('what a turn cost is not counted again where its end was stored unheard', async () => {
  const row = { ended_at: new Date(), answer_id: null, text: '', completion_tokens: 10 };
  expect(await endLost({ failure: new Error('the model failed'), row, isUnheard: true, isUsed: true })).toMatchObject({
    counted: [],
  });
});
