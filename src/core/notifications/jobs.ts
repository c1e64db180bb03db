import { Type } from 'typebox';
import { UnrecoverableError } from '../../base/unrecoverable-error.ts';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import { isRefusedForGood, type Mailer } from '../../platform/mail/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { findMail, markMailed, notify } from './queries.ts';
import { renderMail } from './render-mail.ts';

/** What the jobs of notifications need. */
export interface NotificationJobOptions {
  readonly database: Database;
  /** Without it nothing is mailed. */
  readonly mailer: Mailer | undefined;
}

const id = Type.String({ format: 'uuid' });

/** Mails a notification that was stored; when it is done twice, the second message has the first one's Message-ID. */
function sendMail({ database, mailer }: NotificationJobOptions): Job {
  return defineJob({
    name: 'notifications.send_mail',
    input: Type.Object({ user_id: id, id }),
    async run(payload, context) {
      const key = { userId: payload.user_id, id: payload.id };
      if (mailer === undefined) return;
      const [mail] = await database.query(findMail(key), context);
      // Sent already, or the user has gone, is disabled, has another address or wants no such mail by now.
      if (mail === undefined || mail.email === null) return;
      try {
        await mailer.send({ id: payload.id, to: mail.email, ...renderMail(mail) }, context);
      } catch (error) {
        throw isRefusedForGood(error) ? new UnrecoverableError(error) : error;
      }
      await database.query(markMailed(key), context);
    },
  });
}

/** Welcomes a user who has signed up. The notification has the user's id: it is there once. */
function welcome({ database }: NotificationJobOptions): Job {
  return defineJob({
    name: 'notifications.welcome',
    input: Type.Object({ user_id: id }),
    async run({ user_id: userId }, context) {
      const title = 'Welcome';
      const body = 'Your account is ready. Start a chat, or make an API key to use it from your own programs.';
      await database.query(notify({ userId, id: userId, kind: 'welcome', title, body }), context);
    },
  });
}

/** The jobs of notifications. */
export function notificationJobs(options: NotificationJobOptions): Job[] {
  return [sendMail(options), welcome(options)];
}
