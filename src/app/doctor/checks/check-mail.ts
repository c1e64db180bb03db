import { inspectMailServer } from '../../../platform/mail/index.ts';
import { reasonOf } from '../../reason-of.ts';
import { broken, type Check, fine, SERVICE_BOUND_MS, unreached } from '../finding.ts';

/** Whether the mail server is reached and lets us in. Nothing is sent. */
export const checkMail: Check = {
  name: 'mail',
  async run({ config: { mail } }) {
    if (mail.url === undefined) return [fine('no server is configured; users are told of things in the app')];
    const { host } = new URL(mail.url);
    try {
      await inspectMailServer(mail.url, SERVICE_BOUND_MS);
      return [fine(`${host} lets us in`)];
    } catch (error) {
      if ((error as { code?: unknown }).code === 'EAUTH') {
        const todo = 'Set the user and the password in SMTP_URL, percent-encoded, to valid ones.';
        return [broken(`${host} does not let us in: ${reasonOf(error)}`, todo)];
      }
      return [
        unreached(
          `${host} cannot be worked with`,
          error,
          'See that it runs and is reached from here; else mend SMTP_URL: smtps:// where TLS comes first, as on port 465, else smtp://. ' +
            'Mail waits meanwhile, and is given up after some hours.',
        ),
      ];
    }
  },
};
