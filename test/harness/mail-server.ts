import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail server that keeps what it takes. */
export interface TestMailServer {
  /** Where it is, with a user and a password that it asks for. */
  readonly url: string;
  /** The messages that it took, as they came. */
  readonly messages: { to: string[]; source: string }[];
  /** What the next recipients are answered; undefined takes them. */
  refusal: { responseCode: number; text: string } | undefined;
  close(): Promise<void>;
}

/** Starts a mail server on a free port. For a test file, in `beforeAll`; close it in `afterAll`. */
export async function startTestMailServer(options: SMTPServerOptions = {}): Promise<TestMailServer> {
  const messages: TestMailServer['messages'] = [];
  const smtp = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth({ username, password }, _session, done) {
      if (username === 'user' && password === 'p@ss') done(null, { user: username });
      else done(new Error('wrong password'));
    },
    onRcptTo(_address, _session, done) {
      const { refusal } = server;
      if (refusal === undefined) done();
      else done(Object.assign(new Error(refusal.text), { responseCode: refusal.responseCode }));
    },
    onData(stream, { envelope }, done) {
      stream.setEncoding('utf8');
      let source = '';
      stream.on('data', (text: string) => {
        source += text;
      });
      stream.on('end', () => {
        messages.push({ to: envelope.rcptTo.map(({ address }) => address), source });
        done();
      });
    },
    ...options,
  });
  // A client that goes away in the middle is no matter for the test.
  smtp.on('error', () => undefined);
  const listening = smtp.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const server: TestMailServer = {
    url: `${options.secure ? 'smtps' : 'smtp'}://user:p%40ss@127.0.0.1:${port}`,
    messages,
    refusal: undefined,
    close: () => new Promise((resolve) => smtp.close(() => resolve())),
  };
  return server;
}
