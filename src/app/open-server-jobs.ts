import type { Clock } from '../base/time.ts';
import { forgetIdempotencyKeys } from '../core/accounts/index.ts';
import { keepActivity } from '../core/activity/index.ts';
import { forgetEndedKeys } from '../core/keys/index.ts';
import { notificationJobs } from '../core/notifications/index.ts';
import { forgetUsageWriters } from '../core/plans/index.ts';
import { referralJobs } from '../core/referrals/index.ts';
import type { Config } from '../platform/config/index.ts';
import { type Job, type Jobs, type JobsOptions, openJobs, setAsideUnknownJobs } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { type Mailer, openMailer } from '../platform/mail/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import type { BoundAssistants } from './assistants/bind-assistants.ts';
import { eraseUser } from './stored-data/erase-user.ts';

/** What the jobs of a server are put together from. */
export interface JobParts {
  readonly database: Database;
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  readonly installed: Pick<BoundAssistants, 'jobs' | 'eraseUser'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly startTrace?: JobsOptions['startTrace'];
  readonly onJob?: NonNullable<JobsOptions['onJob']>;
}

/** Every job that there is. */
function listJobs(
  { activity, referrals }: Config,
  { database, installed, mailer }: JobParts & { mailer: Mailer | undefined },
): Job[] {
  const jobs = [
    eraseUser({ database, installed }),
    forgetIdempotencyKeys(database),
    forgetEndedKeys(database),
    forgetUsageWriters(database),
    keepActivity(database, activity.retentionDays),
    ...notificationJobs({ database, mailer }),
    ...referralJobs({ database, rewardTokens: referrals.rewardTokens }),
    ...installed.jobs,
  ];
  return [...jobs, setAsideUnknownJobs(database, jobs)];
}

function openConfiguredMailer({ mail: { url, from } }: Config, log: Logger): Mailer | undefined {
  if (url !== undefined) return openMailer({ url, from });
  log.info('SMTP_URL is not set: users are told of things in the app, not by mail');
  return undefined;
}

/** Opens the jobs of a server, or of a process that does nothing else. */
export function openServerJobs(config: Config, parts: JobParts): Jobs {
  const mailer = openConfiguredMailer(config, parts.log);
  const jobs = openJobs({
    ...parts,
    jobs: listJobs(config, { ...parts, mailer }),
    concurrency: config.jobs.concurrency,
    stopTimeoutMs: config.http.drainTimeoutMs,
  });
  return {
    ...jobs,
    async stop() {
      await jobs.stop();
      mailer?.close();
    },
  };
}
