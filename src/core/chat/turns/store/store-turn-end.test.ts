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

/** Stores an end where the first tries fail like this; answers what came of it and how many tries were made. */
async function store(failure: Error, trouble = new Trouble(createLogger({ level: 'silent' }), texts), failures = 1) {
  let tries = 0;
  const batches = {
    async endTurn() {
      if (++tries <= failures) throw failure;
      return [stored];
    },
  } as unknown as ChatBatches;
  const { signal: lastTry } = new AbortController();
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

test('the log is told once that ends cannot be stored, however many turns try again, and once that they are', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(JSON.parse(line).msg) } });
  const trouble = new Trouble(log, texts);
  await Promise.all(Array.from({ length: 20 }, () => store(postgresErrors.raise.unavailable(), trouble, 2)));
  expect(lines).toEqual(['trying again', 'stored again']);
});
