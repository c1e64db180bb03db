import { DatabaseError } from 'pg';
import { expect, test } from 'vitest';
import { newId } from '../../../../base/ids.ts';
import { createLogger, Trouble } from '../../../../platform/log/index.ts';
import { postgresErrors } from '../../../../platform/postgres/index.ts';
import type { ChatBatches } from '../../batches.ts';
import type { TurnEnd } from './queries.ts';
import { storeTurnEnd } from './store-turn-end.ts';

const stored = { i: 1, answer_seq: 2, ended_at: new Date(), version: 3 };

function refusal(code: string): DatabaseError {
  return Object.assign(new DatabaseError('refused', 0, 'error'), { code });
}

const texts = { begins: 'trying again', ends: 'stored again' };

const silent = () => new Trouble(createLogger({ level: 'silent' }), texts);

/** Stores an end where the first tries fail like this; answers what came of it and how many tries were made. */
async function store(
  failure: Error,
  { trouble = silent(), failures = 1, lastTry = new AbortController().signal } = {},
) {
  let tries = 0;
  const batches = {
    async endTurn() {
      if (++tries <= failures) throw failure;
      return [stored];
    },
  } as unknown as ChatBatches;
  const options = { batches, trouble, statementBudgetMs: 30_000, requestId: newId(), lastTry };
  const outcome = await storeTurnEnd({ turnId: newId() } as TurnEnd, options).catch((error: unknown) => error);
  return { outcome, tries };
}

test.each([
  ['a character that is none', '22021'],
  ['JSON that is none', '22P02'],
])('what Postgres refuses as data, for %s, is not tried again', async (_what, code) => {
  const failure = refusal(code);
  expect(await store(failure)).toEqual({ outcome: failure, tries: 1 });
});

test.each([
  ['the database is away', postgresErrors.raise.unavailable()],
  ['the database is busy', postgresErrors.raise.overloaded({ cause: refusal('53300') })],
  ['its tables are another version’s', refusal('42703')],
])('the end is stored later when %s', async (_why, failure) => {
  const { answer_seq: seq, ended_at: endedAt, version } = stored;
  expect(await store(failure)).toEqual({ outcome: { seq, endedAt, version }, tries: 2 });
});

test('a process that can wait no longer tries once, and no more', async () => {
  const failure = postgresErrors.raise.unavailable();
  expect(await store(failure, { lastTry: AbortSignal.abort() })).toEqual({ outcome: failure, tries: 1 });
});

test('the log is told once that ends cannot be stored, however many turns try again, and once that they are', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(JSON.parse(line).msg) } });
  const trouble = new Trouble(log, texts);
  await Promise.all(
    Array.from({ length: 20 }, () => store(postgresErrors.raise.unavailable(), { trouble, failures: 2 })),
  );
  expect(lines).toEqual(['trying again', 'stored again']);
});

test.each([
  ['by this process', true],
  ['by another one', false],
])(
  'an end that turns out to have been stored, after a try whose answer was lost, %s is told so',
  async (_whose, isOwn) => {
    const end = { turnId: newId(), messageId: newId() } as TurnEnd;
    const { answer_seq, ended_at } = stored;
    let tries = 0;
    const batches = {
      async endTurn() {
        if (++tries === 1) throw postgresErrors.raise.timeout();
        return [];
      },
      findTurn: async () => [{ answer_id: isOwn ? end.messageId : newId(), answer_seq, ended_at }],
    } as unknown as ChatBatches;
    const { signal: lastTry } = new AbortController();
    const options = { batches, trouble: silent(), statementBudgetMs: 30_000, requestId: newId(), lastTry };
    const outcome = await storeTurnEnd(end, options);
    expect(outcome).toEqual(isOwn ? { seq: answer_seq, endedAt: ended_at, version: null } : undefined);
  },
);
