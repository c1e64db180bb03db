import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { errorCodes } from 'fastify';
import { DatabaseError } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../base/errors.ts';
import { createLogger, type Logger } from './index.ts';

const CANARY = 'canaryqX7z';

/** What the log wrote, as text and as parsed lines. */
function capture(secrets: readonly string[] = []): {
  log: Logger;
  text: () => string;
  line: () => Record<string, unknown>;
} {
  const lines: string[] = [];
  const log = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) }, secrets });
  return { log, text: () => lines.join(''), line: () => JSON.parse(lines.at(-1) ?? '') };
}

/** A pg error that quotes what a user wrote in every field in which Postgres does. */
function postgresError(code: string, message: string): DatabaseError {
  return Object.assign(new DatabaseError(message, 10, 'error'), {
    severity: 'ERROR',
    code,
    detail: `Key (title)=(${CANARY}) already exists.`,
    hint: CANARY,
    where: `PL/pgSQL function f(${CANARY})`,
    internalQuery: `select '${CANARY}'`,
    query: `select '${CANARY}'`,
    parameters: [CANARY],
    schema: 'public',
    table: 'users',
    constraint: 'users_username_key',
    routine: '_bt_check_unique',
  });
}

const key = `ek_${CANARY}${'a'.repeat(40)}`;
const jwt = `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI${CANARY}In0.${CANARY}`;
const databaseUrl = `postgres://evenkeel:${CANARY}@p/w@db.example.com:5432/evenkeel`;

/** Each way in which a secret or content has been seen to reach a log. */
const leaks: Record<string, (log: Logger) => void> = {
  'an API key in a text': (log) => log.info(`refused ${key}`),
  'an API key in an interpolated text': (log) => log.info('refused %s', key),
  'an API key in a field of any name': (log) => log.info({ note: `x ${key}` }, 'refused'),
  'an API key in the name of a field': (log) => log.info({ [key]: 1 }, 'refused'),
  'an API key in a nested array': (log) => log.info({ a: [{ b: [key] }] }),
  'an API key bound to a child': (log) => log.child({ note: key }).info('hello'),
  'a bearer token': (log) => log.warn(`header was Bearer ${CANARY}.abc-def`),
  'a JWT': (log) => log.warn({ note: jwt }),
  'an authorization header': (log) => log.info({ headers: { authorization: CANARY, Authorization: CANARY } }),
  'an x-api-key header': (log) => log.info({ headers: { 'X-Api-Key': CANARY } }),
  cookies: (log) => log.info({ headers: { cookie: CANARY, 'set-cookie': [CANARY] } }),
  'a header bound to a child': (log) => log.child({ headers: { 'x-api-key': CANARY } }).info('hello'),
  'a header bound to a child later': (log) => log.setBindings({ headers: { cookie: CANARY } }),
  'a password in a database URL': (log) => log.info(`connecting to ${databaseUrl}`),
  'a password in the URL of an error': (log) => log.error(new Error(`cannot reach ${databaseUrl}`)),
  'a mail address in a text': (log) => log.info(`sent to\n${CANARY}@example.com`),
  'a mail address with letters beyond ASCII': (log) => log.info(`550 ü${CANARY}@exämple.com unknown`),
  'a mail address with an apostrophe': (log) => log.info(`550 ${CANARY}o'neil@example.com unknown`),
  'a mail address in the URL that a mail server names': (log) =>
    log.info(`550 see http://why.example/?id=${CANARY}%40example.com`),
  'a mail address without a dot': (log) => log.info(`550 <${CANARY}@localhost> unknown`),
  'a mail address in a field': (log) => log.info({ email: CANARY, to: `${CANARY}.x+y@mail.example.com` }),
  'a prompt': (log) => log.info({ prompt: CANARY, messages: [{ role: 'user', content: CANARY }] }),
  'a body': (log) => log.info({ body: { title: CANARY }, mood_text: CANARY, toolCalls: [{ arguments: CANARY }] }),
  'content bound to a child': (log) => log.child({ content: CANARY }).info('hello'),
  'content in an interpolated object': (log) => log.info('got %o', { content: CANARY }),
  'a query string': (log) => log.info({ url: `/v1/chat/sessions?q=${CANARY}` }),
  'an object of a class': (log) => {
    class Client {
      readonly options = { header: CANARY };
    }
    log.info({ client: new Client(), data: Buffer.from(CANARY) });
  },
  'a request of the HTTP server': (log) =>
    log.info({ req: { id: '1', method: 'GET', url: CANARY, headers: { a: CANARY } } }),
  'a unique violation of Postgres': (log) => log.error(postgresError('23505', 'duplicate key value')),
  'a data exception of Postgres': (log) => log.error(postgresError('22P02', `invalid input syntax: "${CANARY}"`)),
  'a data exception under another name': (log) => log.error({ failure: postgresError('22001', CANARY) }, 'failed'),
  'a cause': (log) => log.error(new Error('failed', { cause: postgresError('22P02', `invalid: "${CANARY}"`) })),
  'a cause of a public error': (log) =>
    log.error({
      err: new AppError('a.b', { status: 500, message: 'sorry', cause: new Error('x', { cause: new Error(key) }) }),
    }),
  'an error of a group': (log) => log.error(new AggregateError([postgresError('22P02', CANARY)], 'all failed')),
  'fields that a library hangs on an error': (log) =>
    log.error(
      Object.assign(new Error('failed'), { body: CANARY, config: { headers: { a: CANARY } }, response: CANARY }),
    ),
  'an address that Fastify quotes': (log) => {
    const error = new errorCodes.FST_ERR_REP_ALREADY_SENT(`/v1/search?q=${CANARY}`, 'GET');
    log.error(error);
    log.error({ err: error });
  },
  'a public error that quotes': (log) => {
    const error = new AppError('a.b', { status: 400, message: `unknown word: ${CANARY}`, quotesInput: true });
    log.error(error);
    log.error({ err: new Error('failed', { cause: error }) });
  },
  'text that is not JSON': (log) => {
    try {
      JSON.parse(`${CANARY} is what I wrote`);
    } catch (error) {
      log.error(error);
      log.error({ err: error });
    }
  },
};

describe('no line holds a secret or what a user wrote', () => {
  test.each(Object.entries(leaks))('%s is kept out', (_, leak) => {
    const { log, text } = capture();
    leak(log);
    log.info('later');
    expect(text()).not.toContain(CANARY);
    for (const line of text().trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });

  test('a configured secret is kept out of texts, fields, errors and children, also when JSON escapes it', () => {
    const secret = `"quoted\\${CANARY}`;
    const { log, text } = capture([secret]);
    log.info(`text ${secret}`);
    log.child({ note: secret }).error(new Error(secret), 'failed');
    log.error({ err: new Error(secret) });
    expect(text()).not.toContain(CANARY);
  });

  test('a line stays JSON whatever is masked in it', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom('\n', '"', '\\', key, jwt, databaseUrl, 'a@b.se', 'ü@äö.se', 'Bearer abcdefg'),
          ),
        ),
        (parts) => {
          const { log, line } = capture();
          log.info({ note: parts.join('') }, parts.join(''));
          expect(line()).toHaveProperty('msg');
        },
      ),
    );
  });
});

describe('a line says what an operator needs', () => {
  test('fields, numbers under telling names and plain texts pass unchanged', () => {
    const { log, line } = capture();
    log.info({ userId: 'u1', status: 200, prompt: 12, timings: { sql: 1.5 }, at: new Date(0) }, 'done');
    expect(line()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      userId: 'u1',
      status: 200,
      prompt: 12,
      timings: { sql: 1.5 },
      at: '1970-01-01T00:00:00.000Z',
      msg: 'done',
    });
  });

  test('an error of Postgres keeps its code, table, constraint and routine', () => {
    const { log, line } = capture();
    log.error(postgresError('23505', 'duplicate key value violates unique constraint "users_username_key"'));
    expect(line().err).toMatchObject({
      code: '23505',
      schema: 'public',
      table: 'users',
      constraint: 'users_username_key',
      routine: '_bt_check_unique',
      message: 'duplicate key value violates unique constraint "users_username_key"',
    });
  });

  test('an error keeps its name, message, place in our code and causes', () => {
    const { log, line } = capture();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
    log.error(
      { err: new AppError('postgres.unavailable', { status: 503, message: 'Try again.', cause }) },
      'request failed',
    );
    expect(line()).toMatchObject({
      msg: 'request failed',
      err: {
        name: 'AppError',
        code: 'postgres.unavailable',
        status: 503,
        message: 'Try again.',
        stack: expect.arrayContaining([expect.stringContaining('create-logger.test.ts')]),
        cause: { code: 'ECONNREFUSED', syscall: 'connect', message: 'connect ECONNREFUSED' },
      },
    });
  });

  test('an object that holds itself is written', () => {
    const { log, line } = capture();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    log.info({ loop }, 'still here');
    expect(line().msg).toBe('still here');
  });
});

/** A process that does this with a `log` of its own, on its standard output. */
function start(script: string, stdout: 'pipe' | number = 'pipe') {
  const index = new URL('./index.ts', import.meta.url).href;
  const open = `import { createLogger } from '${index}'; const log = createLogger({ level: 'info' });`;
  const child = spawn('node', ['--input-type=module', '-e', open + script], {
    stdio: ['ignore', stdout, 'ignore', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

describe('a process', () => {
  test('that exits at once has written everything that it logged', async () => {
    const child = start(`for (let n = 0; n < 500; n++) log.info({ n }, 'line');
      process.exit(0);`);
    const output = await text(child.stdout as Readable);
    expect(output.trimEnd().split('\n')).toHaveLength(500);
  });

  test('whose disk is full goes on, and ends when it is told to', async () => {
    const full = openSync('/dev/full', 'w');
    const child = start(
      `process.on('SIGTERM', () => process.exit(0));
      setInterval(() => log.info('line'), 10);
      setTimeout(() => process.send('goes on'), 1_000);`,
      full,
    );
    closeSync(full);
    expect(await Promise.race([once(child, 'message'), once(child, 'exit')])).toEqual(['goes on', undefined]);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  test.each(['exits', 'has nothing left to do'])('whose reader leaves right before it %s ends', async (how) => {
    const child = start(`process.on('message', () => {
        log.info('line');
        process.disconnect();
        if ('${how}' === 'exits') process.exit(0);
      });
      process.send('reads');`);
    await once(child, 'message');
    child.stdout?.destroy();
    await once(child.stdout ?? child, 'close');
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
    child.send('leave');
    expect(await ended).toEqual([0, null]);
  });

  test('whose reader has stopped reading goes on, and ends when it is told to', async () => {
    // Whoever looks at its standard output, as ours does, has writes to it fail that would have to wait.
    const child = start(`process.stdout.on('error', () => {});
      process.on('SIGTERM', () => process.exit(0));
      for (let n = 0; n < 50_000; n++) log.info({ n }, 'line');
      setTimeout(() => process.send('goes on'), 1_000);`);
    expect(await Promise.race([once(child, 'message'), once(child, 'exit')])).toEqual(['goes on', undefined]);
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(4_000) });
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
