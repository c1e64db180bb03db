import { systemClock as clock } from '../base/time.ts';
import { Plans, readPlans, TokenBudget, type TokenBudgetOptions, UsageRecorder } from '../core/plans/index.ts';
import type { Config } from '../platform/config/index.ts';
import { Limiter } from '../platform/limits/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { bindAssistants } from './assistants/bind-assistants.ts';
import { findAssistants } from './assistants/find-assistants.ts';
import { UserCache } from './assistants/user-cache.ts';
import { checkFiles } from './check-files.ts';
import { guardPostgres } from './guard-postgres.ts';
import { openDatabase } from './open-database.ts';
import { openModels } from './open-models.ts';
import { openServerJobs } from './open-server-jobs.ts';
import { outliveRejections } from './outlive-rejections.ts';
import { startOrGiveUp } from './start-or-give-up.ts';
import { startTracing } from './start-tracing.ts';
import { untilSignalled } from './until-signalled.ts';

/** The tokens that jobs may spend. What servers spend is read from the database before each that asks a model. */
function openTokenBudget(config: Config, parts: Pick<TokenBudgetOptions, 'database' | 'clock' | 'log'>): TokenBudget {
  const { clock, log } = parts;
  return new TokenBudget({
    ...parts,
    observers: {},
    redis: undefined,
    limiter: new Limiter({ redis: undefined, clock }),
    plans: new Plans(readPlans(config.plans.file), log),
    longestCallMs: config.models.totalTimeoutMs,
  });
}

/**
 * Works on jobs, without serving requests, until SIGTERM, SIGINT or SIGHUP; then waits for those that run. The database is
 * closed again when a later step fails. A signal that comes while it starts is heeded as by a server.
 */
export async function runJobs(config: Config, log: Logger, process: NodeJS.Process): Promise<void> {
  const signalled = untilSignalled(process);
  outliveRejections(process, log);
  checkFiles(config);
  const models = openModels(config, { clock, log });
  const assistantFolders = await findAssistants();
  const tracing = await startTracing(config, log);
  const { postgres, directUrl, close } = await startOrGiveUp({ process, log, signalled }, (startPostgres) =>
    openDatabase(config, log, { joinRunning: true, startPostgres }),
  );
  try {
    const database = guardPostgres(postgres, { config: config.database, clock, log });
    const usage = new UsageRecorder({ database, clock, log });
    const installed = bindAssistants(assistantFolders, {
      ...{ database, models, clock, log, usage },
      tokenBudget: openTokenBudget(config, { database, clock, log }),
      cache: new UserCache(clock),
    });
    const jobs = openServerJobs(config, { database, directUrl, installed, clock, log, startTrace: tracing?.start });
    jobs.start();
    process.stdout.write('Evenkeel is working on jobs\n');
    log.info({ signal: await signalled }, 'stopping');
    await jobs.stop();
    await usage.stop();
    await models.close();
    database.close();
  } finally {
    await close();
    await tracing?.close();
  }
  log.info('stopped');
}
