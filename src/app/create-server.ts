import { newId } from '../base/ids.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { IdempotencyCleaner, registerAccountRoutes } from '../core/accounts/index.ts';
import { registerActivityRoutes } from '../core/activity/index.ts';
import { createChatBatches, registerChatRoutes, TurnRunner, TurnSweeper } from '../core/chat/index.ts';
import { createAuthentication, KeyUses, registerCacheRoutes, registerKeyRoutes } from '../core/keys/index.ts';
import type { Models } from '../core/models/index.ts';
import type { Config } from '../platform/config/index.ts';
import { createHttpServer, drain, type HttpServer } from '../platform/http/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Postgres } from '../platform/postgres/index.ts';
import { createReadinessCheck } from './check-readiness.ts';
import { errorCodes } from './error-codes.ts';
import { guardPostgres } from './guard-postgres.ts';
import { openCallers } from './open-callers.ts';
import { openModels } from './open-models.ts';
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

/** Puts a server together. `http.listen` has it take requests, `stop` ends it. */
export function createServer({ config, log, postgres, directUrl, clock = systemClock }: ServerParts): Server {
  const { requestBudgetMs, sessionCreateBudgetMs, drainTimeoutMs } = config.http;
  const models = openModels(config, { clock, log });
  const database = guardPostgres(postgres, { config: config.database, clock, log });
  const batches = createChatBatches({ database, clock });
  const shared = { database, batches, models, log, clock, statementBudgetMs: requestBudgetMs };
  const turns = new TurnRunner({ ...shared, owner: newId(), turnBudgetMs: config.models.totalTimeoutMs });
  const sweeper = new TurnSweeper(shared);
  const cleaner = new IdempotencyCleaner(shared);
  const uses = new KeyUses(shared);
  const callers = openCallers(config, { database, directUrl, clock, log });
  const http = createHttpServer({
    ...config.http,
    ...createAuthentication({ callers: callers.cache, clock, uses }),
    log,
    clock,
    version,
    errorCodes,
    readiness: createReadinessCheck(postgres, database, callers),
  });
  registerAccountRoutes(http);
  registerKeyRoutes(http, { database, clock, callers: callers.cache });
  registerActivityRoutes(http, { database });
  registerCacheRoutes(http, { database, callers: callers.cache });
  registerChatRoutes(http, {
    database,
    batches,
    models,
    turns,
    assistants: [],
    requestBudgetMs,
    sessionCreateBudgetMs,
    modelBudgetMs: config.models.totalTimeoutMs + storeMarginMs,
  });
  sweeper.start();
  cleaner.start();
  uses.start();

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([sweeper.stop(), cleaner.stop()]);
    await Promise.all([
      drain(http, { timeoutMs: drainTimeoutMs }),
      turns.drain(Math.max(0, drainTimeoutMs - turnHeadStartMs)),
    ]);
    await turns.drain(0);
    await uses.stop();
    await models.close();
    await callers.close();
    database.close();
  };
  return { http, models, stop: () => (stopped ??= stop()) };
}
