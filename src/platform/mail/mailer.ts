import type { CallContext } from '../../base/call-context.ts';

/** A message to one person. */
export interface Mail {
  /** Unique. The Message-ID is made of it, so that a message that was sent twice can be told. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Sends mail by SMTP. */
export interface Mailer {
  /**
   * Hands a message to the server. At least once: when the answer is lost, or the deadline ends while the server has it, the
   * message may have been taken all the same; one that still waits for a connection then is not sent. Throws the deadline's
   * reason, or nodemailer's error, whose `code` tells what is wrong; its text may hold addresses.
   */
  send(mail: Mail, context: CallContext): Promise<void>;
  /** Closes the connections. */
  close(): void;
}

/**
 * Whether `send` threw this because the server will not take that message for that recipient, however often it is asked: a 5xx
 * to one of the two. One to the sender or the password is for the operator to mend, and the message can be sent after.
 */
export function isRefusedForGood(error: unknown): boolean {
  const { command, responseCode } = (error ?? {}) as { command?: unknown; responseCode?: unknown };
  return (command === 'RCPT TO' || command === 'DATA') && Number(responseCode) >= 500;
}

/** Options of `openMailer`. */
export interface MailerOptions {
  /** `smtp://` (with STARTTLS where the server has it) or `smtps://`, with user and password if need be. */
  readonly url: string;
  /** The sender: `Name <address>`, or an address alone. */
  readonly from: string;
}

/** Not as text, in which a comma, colon or semicolon of the name would make several senders or a group. */
function toSender(from: string): { name: string; address: string } {
  const [, name = '', address = from] = /^(.+) <(.+)>$/.exec(from) ?? [];
  return { name, address };
}

// Many servers refuse a third connection of one client.
const MAX_CONNECTIONS = 2;
const CONNECT_TIMEOUT_MS = 10_000;
/** A server may look at a message for long before it takes it; within the minute that a job has. */
const SILENCE_TIMEOUT_MS = 30_000;

async function openTransport(url: string) {
  const { createTransport } = await import('nodemailer');
  return createTransport({
    url,
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Opens a pool of connections to a mail server; loads what sends mail, and connects, with the first message. */
export function openMailer({ url, from }: MailerOptions): Mailer {
  let transport: ReturnType<typeof openTransport> | undefined;
  const sender = toSender(from);
  const domain = sender.address.split('@')[1] ?? 'localhost';
  return {
    async send({ id, to, ...mail }, { deadline }) {
      // Not as text, of which a comma would make two recipients.
      const recipient = { name: '', address: to };
      const { signal } = deadline;
      try {
        transport ??= openTransport(url);
        await (await transport).sendMail({
          ...mail,
          to: recipient,
          from: sender,
          messageId: `<${id}@${domain}>`,
          signal,
        });
      } catch (error) {
        deadline.throwIfEnded();
        throw error;
      }
    },
    close: () => void transport?.then((opened) => opened.close()),
  };
}
