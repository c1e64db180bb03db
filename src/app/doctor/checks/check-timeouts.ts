import type { Config } from '../../../platform/config/index.ts';
import { advice, type Check, fine } from '../finding.ts';

type Bound = readonly [variable: string, valueMs: number];

/** Pairs of an inner time-out and the one around it, each with what comes of it when the inner one is longer. */
function listPairs({ http, database, redis, signIn, models }: Config): (readonly [Bound, Bound, string])[] {
  const request: Bound = ['REQUEST_BUDGET_MS', http.requestBudgetMs];
  const sessionCreate: Bound = ['SESSION_CREATE_BUDGET_MS', http.sessionCreateBudgetMs];
  const drain: Bound = ['DRAIN_TIMEOUT_MS', http.drainTimeoutMs];
  const statement: Bound = ['DATABASE_STATEMENT_BUDGET_MS', database.statementBudgetMs];
  const poolWait: Bound = ['DATABASE_POOL_WAIT_MS', database.poolWaitMs];
  const firstByte: Bound = ['MODEL_FIRST_BYTE_TIMEOUT_MS', models.firstByteTimeoutMs];
  const total: Bound = ['MODEL_TOTAL_TIMEOUT_MS', models.totalTimeoutMs];
  const cut = 'the request ends before its statement may';
  const reset = 'a server that stops cuts requests off';
  return [
    [poolWait, statement, 'the wait for a connection uses up the time of the statement'],
    [statement, ['DATABASE_STATEMENT_TIMEOUT_MS', database.statementTimeoutMs], 'the database ends statements first'],
    [statement, request, cut],
    [statement, sessionCreate, cut],
    [statement, ['SIGN_IN_BUDGET_MS', signIn.budgetMs], cut],
    [['LOOKUP_BUDGET_MS', http.lookupBudgetMs], request, 'looking up the caller uses up the time of the request'],
    [['REDIS_COMMAND_TIMEOUT_MS', redis.commandTimeoutMs], statement, 'waiting for the cache is worse than no cache'],
    [request, drain, reset],
    [sessionCreate, drain, reset],
    [['MODEL_CONNECT_TIMEOUT_MS', models.connectTimeoutMs], firstByte, 'no connection is ever waited for so long'],
    [firstByte, total, 'the answer ends before it may begin'],
    [['MODEL_CHUNK_TIMEOUT_MS', models.chunkTimeoutMs], total, 'silence is never noticed before the end'],
  ];
}

/** Whether each time-out is shorter than the one around it. */
export const checkTimeouts: Check = {
  name: 'time-outs',
  run({ config }) {
    const faults = listPairs(config)
      .filter(([[, innerMs], [, outerMs]]) => innerMs > outerMs)
      .map(([[inner, innerMs], [outer, outerMs], consequence]) =>
        advice(
          `${inner} (${innerMs}) is more than ${outer} (${outerMs}): ${consequence}`,
          `Lower ${inner} or raise ${outer}.`,
        ),
      );
    return faults.length > 0 ? faults : [fine('each is within the one around it')];
  },
};
