import { newId } from '../base/ids.ts';
import type { StartTrace } from '../base/span.ts';
import { systemClock as clock } from '../base/time.ts';
import { type Assistant, Assistants, createChatBatches, TurnRunner, TurnSweeper } from '../core/chat/index.ts';
import { createAuthentication, KeyUses } from '../core/keys/index.ts';
import type { Models } from '../core/models/index.ts';
import { Plans, readPlans } from '../core/plans/index.ts';
import type { Config } from '../platform/config/index.ts';
import { createHttpServer, drain, type HttpServer } from '../platform/http/index.ts';
import type { Jobs } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Postgres } from '../platform/postgres/index.ts';
import { openRedis, type Redis } from '../platform/redis/index.ts';
import type { GuardedDatabase } from '../platform/resilience/index.ts';
import type { FoundAssistant } from './assistants/found-assistant.ts';
import { type OpenAssistants, openAssistants } from './assistants/open-assistants.ts';
import { createDependencyCheck } from './check-dependencies.ts';
import { errorCodes } from './error-codes.ts';
import { guardPostgres } from './guard-postgres.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';
import { type Callers, openCallers } from './open-callers.ts';
import { type Limits, openLimits } from './open-limits.ts';
import { listModels, openModels } from './open-models.ts';
import { openServerJobs } from './open-server-jobs.ts';
import { openSignIn, readSignIn, type SignInService } from './open-sign-in.ts';
import { registerRoutes } from './register-routes.ts';
import { showOperation } from './show-operation.ts';
import { version } from './version.ts';
import { watchCallers } from './watch-callers.ts';

/** What a server is made of. */
export interface ServerParts {
  readonly config: Config;
  readonly log: Logger;
  readonly postgres: Postgres;
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  /** Whether it works on jobs: yes. It enqueues them in any case. */
  readonly worksOnJobs?: boolean;
  /** The assistants of `src/assistants`. */
  readonly assistantFolders: readonly FoundAssistant[];
  /** Further ones. */
  readonly assistants?: readonly Assistant[];
  /** What the database tells already. */
  readonly metrics: ServerMetrics;
  /** Absent where nobody traces. */
  readonly startTrace?: StartTrace | undefined;
}

/** A server with all routes, not listening yet. */
export interface Server {
  readonly http: HttpServer;
  readonly models: Models;
  readonly installed: OpenAssistants;
  /**
   * Stops without losing a request: readiness turns first, then what is in flight finishes, at most for the drain time;
   * turns that still run then are interrupted, keeping what was written. A second call joins the first.
   */
  stop(): Promise<void>;
}

/** Turns get this much of the drain time less than requests, in milliseconds, so that streams can tell how they ended. */
const TURN_HEAD_START_MS = 1_000;

/** A request that waits for a model may last this much longer than the model, in milliseconds: for storing the answer. */
const STORE_MARGIN_MS = 15_000;

/** How long a turn and, a little longer, a request that waits for a model may last, in milliseconds. */
function budgetsOf(config: Config): { turnBudgetMs: number; modelBudgetMs: number } {
  const targets = listModels(config).flatMap((model) => model.targets);
  // A file may give a target more than the variable gives the others.
  const turnBudgetMs = Math.max(config.models.totalTimeoutMs, ...targets.map(({ totalTimeoutMs }) => totalTimeoutMs));
  return { turnBudgetMs, modelBudgetMs: turnBudgetMs + STORE_MARGIN_MS };
}

async function openSharedRedis(
  { redis: { url, commandTimeoutMs } }: Config,
  log: Logger,
  { breakers }: ServerMetrics,
): Promise<Redis | undefined> {
  const observe = (state: string) => breakers.observe('redis', state);
  return url === undefined ? undefined : await openRedis({ url, commandTimeoutMs, log, observe });
}

/** What of a server runs, or holds connections. */
interface RunningParts {
  readonly http: HttpServer;
  readonly turns: TurnRunner;
  readonly sweeper: TurnSweeper;
  readonly jobs: Jobs;
  readonly uses: KeyUses;
  readonly models: Models;
  readonly installed: OpenAssistants;
  readonly limits: Limits;
  readonly callers: Callers;
  readonly signIn: Pick<SignInService, 'close'>;
  readonly redis: Redis | undefined;
  readonly database: GuardedDatabase;
}

async function stop(parts: RunningParts, drainTimeoutMs: number): Promise<void> {
  const { http, turns, sweeper, jobs, uses, models, installed, limits, callers, signIn, redis, database } = parts;
  await Promise.all([
    drain(http, { timeoutMs: drainTimeoutMs }),
    sweeper.stop(),
    turns.drain(Math.max(0, drainTimeoutMs - TURN_HEAD_START_MS)),
    jobs.stop(),
  ]);
  await turns.drain(0);
  await uses.stop();
  await models.close();
  await Promise.all([installed.close(), limits.close(), callers.close(), signIn.close()]);
  await redis?.close();
  database.close();
}

/** Puts a server together. `http.listen` has it take requests, `stop` ends it. */
export async function createServer(parts: ServerParts): Promise<Server> {
  const { config, log, postgres, directUrl, worksOnJobs = true, assistantFolders, metrics, startTrace } = parts;
  const { requestBudgetMs, drainTimeoutMs } = config.http;
  // First of all: where a file cannot be had, nothing was opened here yet.
  const { turnBudgetMs, modelBudgetMs } = budgetsOf(config);
  const plans = new Plans(readPlans(config.plans.file), log);
  const signInFiles = readSignIn(config, log);
  const models = openModels(config, { clock, log, onCall: metrics.models.observe });
  const database = guardPostgres(postgres, { config: config.database, clock, log, metrics });
  const batches = createChatBatches({ database, clock, ...metrics.statements.batches });
  const redis = await openSharedRedis(config, log, metrics);
  const limits = openLimits({ plans, database, metrics, redis, longestCallMs: modelBudgetMs, clock, log });
  const { tokenBudget, usage, limiter } = limits;
  const installed = openAssistants(assistantFolders, { ...limits, database, directUrl, models, clock, log, metrics });
  const assistants = new Assistants([...installed.assistants, ...(parts.assistants ?? [])]);
  const shared = { database, batches, models, assistants, tokenBudget, log, clock, statementBudgetMs: requestBudgetMs };
  const turns = new TurnRunner({ ...shared, observeTurn: metrics.turns.observe, usage, owner: newId(), turnBudgetMs });
  const sweeper = new TurnSweeper({ ...shared, observeTurn: metrics.turns.observe });
  const jobs = openServerJobs(config, { ...shared, directUrl, installed, startTrace, onJob: metrics.jobs.observe });
  const uses = new KeyUses(shared);
  const callers = openCallers(config, { database, directUrl, redis, clock, log, metrics });
  const signIn = openSignIn(config, { ...shared, ...signInFiles, metrics, callers, limits });
  const check = createDependencyCheck({ ...shared, postgres, callers });
  const authentication = createAuthentication({ callers: callers.cache, tokens: signIn.tokens, clock, uses });
  const http = createHttpServer({
    ...config.http,
    ...authentication,
    limit: limits.requests.limit,
    log,
    clock,
    version,
    errorCodes: [...errorCodes, ...installed.errorCodes],
    readiness: check,
    observe: metrics.http.observe,
    startTrace,
  });
  watchCallers(http, { callers: callers.cache, authentication, turns, tokenBudget });
  showOperation(http, { ...shared, config, metrics, postgres, callers, redis, turns, jobs, check });
  registerRoutes(http, {
    ...shared,
    ...signIn,
    callers: callers.cache,
    ...{ authentication, limits: limits.requests },
    ...{ plans, limiter, usage, turns, installed, jobs, startTrace },
    ...config.http,
    modelBudgetMs,
  });
  for (const each of [sweeper, uses, ...(worksOnJobs ? [jobs] : [])]) each.start();

  let stopped: Promise<void> | undefined;
  const running = { http, turns, sweeper, jobs, uses, models, installed, limits, callers, signIn, redis, database };
  return { http, models, installed, stop: () => (stopped ??= stop(running, drainTimeoutMs)) };
}
