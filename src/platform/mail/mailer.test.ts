import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import { startTestMailServer, type TestMailServer } from '../../../test/harness/mail-server.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { isRefusedForGood, type Mailer, openMailer } from './index.ts';

const mail = {
  id: '01980000-0000-7000-8000-000000000001',
  to: 'reader@example.com',
  subject: 'Grüße',
  text: 'In words.\n',
  html: '<p>In <b>words</b>.</p>',
};

let server: TestMailServer;

beforeAll(async () => {
  server = await startTestMailServer();
});

beforeEach(() => {
  server.messages.length = 0;
  server.refusal = undefined;
});

afterAll(() => server.close());

/** What a mail server does at a step of the dialogue to refuse it. */
function refuse(responseCode: number) {
  return (stream: unknown, _session: unknown, done: (error: Error) => void) => {
    const answer = () => done(Object.assign(new Error('no'), { responseCode }));
    if (stream instanceof Readable) stream.resume().on('end', answer);
    else answer();
  };
}

function open(url = server.url, from = 'Evenkeel <no-reply@mail.example.com>'): Mailer {
  const mailer = openMailer({ url, from });
  onTestFinished(() => mailer.close());
  return mailer;
}

it('a message arrives as text and HTML, from the sender, with a Message-ID made of its id', async () => {
  await open().send(mail, testContext());
  expect(server.messages).toHaveLength(1);
  const [{ to, source } = { to: [], source: '' }] = server.messages;
  expect(to).toEqual(['reader@example.com']);
  expect(source).toMatch(/^From: Evenkeel <no-reply@mail\.example\.com>\r$/m);
  expect(source).toMatch(/^Message-ID: <01980000-0000-7000-8000-000000000001@mail\.example\.com>\r$/m);
  expect(source).toMatch(/^Subject: =\?UTF-8\?Q\?Gr=C3=BC=C3=9Fe\?=\r$/m);
  expect(source).toMatch(
    /^Content-Type: text\/plain[\s\S]*In words\.[\s\S]*^Content-Type: text\/html[\s\S]*<b>words<\/b>/m,
  );
});

it.each([
  ['no-reply@example.com', 'no-reply@example.com'],
  ['Support: Acme <no-reply@example.com>', '"Support: Acme" <no-reply@example.com>'],
  ['Acme, Inc. <no-reply@example.com>', '"Acme, Inc." <no-reply@example.com>'],
  ['Grüße; <no-reply@example.com>', '=?UTF-8?Q?Gr=C3=BC=C3=9Fe=3B?= <no-reply@example.com>'],
])('sends from %s as from one sender', async (from, header) => {
  const senders: string[] = [];
  const strict = await startTestMailServer({
    onMailFrom({ address }, _session, done) {
      senders.push(address);
      done();
    },
  });
  onTestFinished(() => strict.close());
  await open(strict.url, from).send(mail, testContext());
  expect(senders).toEqual(['no-reply@example.com']);
  expect(strict.messages[0]?.source).toContain(`From: ${header}\r\n`);
});

it('an address is one recipient, whatever is in it', async () => {
  const to = 'reader@example.com, other@example.com';
  await open()
    .send({ ...mail, to }, testContext())
    .catch(() => undefined);
  expect(server.messages.flatMap((message) => message.to)).not.toContain('other@example.com');
});

it('many messages share two connections', async () => {
  let connections = 0;
  const counting = await startTestMailServer({
    onConnect(_session, done) {
      connections++;
      done();
    },
  });
  onTestFinished(() => counting.close());
  const mailer = open(counting.url);
  await Promise.all(Array.from({ length: 20 }, (_, n) => mailer.send({ ...mail, id: `${n}` }, testContext())));
  expect(new Set(counting.messages.map(({ source }) => /^Message-ID: (.*)\r$/m.exec(source)?.[1])).size).toBe(20);
  expect(connections).toBe(2);
});

it('a refused recipient and a wrong password are errors with a code', async () => {
  server.refusal = { responseCode: 550, text: 'no such mailbox' };
  await expect(open().send(mail, testContext())).rejects.toMatchObject({ code: 'EENVELOPE', responseCode: 550 });
  server.refusal = undefined;
  const wrong = server.url.replace('p%40ss', 'wrong');
  await expect(open(wrong).send(mail, testContext())).rejects.toMatchObject({ code: 'EAUTH' });
});

it.each([
  ['onRcptTo', 550, true],
  ['onRcptTo', 451, false],
  ['onData', 554, true],
  ['onData', 451, false],
  ['onMailFrom', 550, false],
  ['onAuth', 535, false],
])('what a mail server refuses in %s with %i is refused for good: %s', async (step, responseCode, isForGood) => {
  const refusing = await startTestMailServer({ [step]: refuse(responseCode) });
  onTestFinished(() => refusing.close());
  const error = await open(refusing.url)
    .send(mail, testContext())
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ responseCode });
  expect(isRefusedForGood(error)).toBe(isForGood);
});

it('TLS is from the first byte with smtps, and a certificate that nobody signed is refused', async () => {
  const secure = await startTestMailServer({ secure: true });
  onTestFinished(() => secure.close());
  await expect(open(secure.url).send(mail, testContext())).rejects.toMatchObject({ code: 'ESOCKET' });
  await open(`${secure.url}?tls.rejectUnauthorized=false`).send(mail, testContext());
  expect(secure.messages).toHaveLength(1);
});

it('a server that takes the connection and says nothing costs no more than the deadline', async () => {
  const silent = createServer(() => undefined);
  const port = await listen(silent);
  onTestFinished(() => void silent.close());
  const sent = open(`smtp://127.0.0.1:${port}`).send(mail, testContext(300));
  await expect(sent).rejects.toMatchObject({ name: 'DeadlineExceeded' });
});

it('a message whose deadline ends while it waits for a connection is not sent later', async () => {
  const taken: string[] = [];
  const slow = await startTestMailServer({
    onData(stream, { envelope }, done) {
      stream.resume().on('end', () => {
        taken.push(...envelope.rcptTo.map(({ address }) => address));
        setTimeout(done, 800);
      });
    },
  });
  onTestFinished(() => slow.close());
  const mailer = open(slow.url);
  const send = (to: string, budgetMs: number) => mailer.send({ ...mail, id: to, to }, testContext(budgetMs));
  const first = ['a@example.com', 'b@example.com'].map((to) => send(to, 10_000));
  await until(() => taken.length === 2);
  await expect(send('late@example.com', 200)).rejects.toMatchObject({ name: 'DeadlineExceeded' });
  await Promise.all([...first, send('last@example.com', 10_000)]);
  expect(taken).toEqual(['a@example.com', 'b@example.com', 'last@example.com']);
});
