import { inTime } from '../../base/in-time.ts';

/**
 * Connects to a mail server as a mailer does, by TLS where the URL or the server says so, signs in, and sends nothing.
 *
 * @throws nodemailer's error, whose `code` tells what is wrong: `EAUTH` that it does not let us in; Error when that is not
 *   known within `boundMs`.
 */
export async function inspectMailServer(url: string, boundMs: number): Promise<void> {
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    url,
    connectionTimeout: boundMs,
    dnsTimeout: boundMs,
    greetingTimeout: boundMs,
    socketTimeout: boundMs,
  });
  await inTime(boundMs, transport.verify());
}
