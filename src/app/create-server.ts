import { newId } from '../base/ids.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { IdempotencyCleaner } from '../core/accounts/index.ts';
import { createChatBatches, TurnRunner, TurnSweeper } from '../core/chat/index.ts';
import { createAuthentication, KeyUses } from '../core/keys/index.ts';
import type { Models } from '../core/models/index.ts';
import { Plans, readPlans } from '../core/plans/index.ts';
import type { Config } from '../platform/config/index.ts';
import { createHttpServer, drain, type HttpServer } from '../platform/http/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Postgres } from '../platform/postgres/index.ts';
import { openRedis, type Redis } from '../platform/redis/index.ts';
import { createReadinessCheck } from './check-readiness.ts';
import { errorCodes } from './error-codes.ts';
import { guardPostgres } from './guard-postgres.ts';
import { openCallers } from './open-callers.ts';
import { openLimits } from './open-limits.ts';
import { openModels } from './open-models.ts';
import { registerRoutes } from './register-routes.ts';
import { version } from './version.ts';

/** What a server is made of. */
export interface ServerParts {
  readonly config: Config;
  readonly log: Logger;
  readonly postgres: Postgres;
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  readonly clock?: Clock;
}

/** A server with all routes, not listening yet. */
export interface Server {
  readonly http: HttpServer;
  readonly models: Models;
  /**
   * Stops without losing a request: readiness turns first, then what is in flight finishes, at most for the drain time;
   * turns that still run then are interrupted, keeping what was written. A second call joins the first.
   */
  stop(): Promise<void>;
}

/** Turns get this much of the drain time less than requests, in milliseconds, so that streams can tell how they ended. */
const turnHeadStartMs = 1_000;

/** A request that waits for a model may last this much longer than the model, in milliseconds: for storing the answer. */
const storeMarginMs = 15_000;

function openSharedRedis({ redis }: Config, log: Logger): Redis | undefined {
  const { url, commandTimeoutMs } = redis;
  return url === undefined ? undefined : openRedis({ url, commandTimeoutMs, log });
}

/** Puts a server together. `http.listen` has it take requests, `stop` ends it. */
export function createServer({ config, log, postgres, directUrl, clock = systemClock }: ServerParts): Server {
  const { requestBudgetMs, sessionCreateBudgetMs, drainTimeoutMs } = config.http;
  // First of all: where its file is wrong, nothing was opened yet.
  const plans = new Plans(readPlans(config.plans.file), log);
  const models = openModels(config, { clock, log });
  const database = guardPostgres(postgres, { config: config.database, clock, log });
  const batches = createChatBatches({ database, clock });
  const shared = { database, batches, models, log, clock, statementBudgetMs: requestBudgetMs };
  const turns = new TurnRunner({ ...shared, owner: newId(), turnBudgetMs: config.models.totalTimeoutMs });
  const sweepers = [new TurnSweeper(shared), new IdempotencyCleaner(shared)];
  const uses = new KeyUses(shared);
  const redis = openSharedRedis(config, log);
  const callers = openCallers(config, { database, directUrl, redis, clock, log });
  const limits = openLimits({ plans, redis, clock });
  const http = createHttpServer({
    ...config.http,
    ...createAuthentication({ callers: callers.cache, clock, uses }),
    limit: limits.requests.limit,
    log,
    clock,
    version,
    errorCodes,
    readiness: createReadinessCheck(postgres, database, callers),
  });
  registerRoutes(http, {
    ...shared,
    callers: callers.cache,
    plans,
    limiter: limits.limiter,
    turns,
    assistants: [],
    requestBudgetMs,
    sessionCreateBudgetMs,
    modelBudgetMs: config.models.totalTimeoutMs + storeMarginMs,
  });
  for (const each of [...sweepers, uses]) each.start();

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
    await Promise.all([
      drain(http, { timeoutMs: drainTimeoutMs }),
      turns.drain(Math.max(0, drainTimeoutMs - turnHeadStartMs)),
    ]);
    await turns.drain(0);
    await uses.stop();
    await models.close();
    await Promise.all([limits.close(), callers.close()]);
    await redis?.close();
    database.close();
  };
  return { http, models, stop: () => (stopped ??= stop()) };
}
