import { expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../../../test/harness/until.ts';
import { newId } from '../../../base/ids.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { postgresErrors } from '../../../platform/postgres/index.ts';
import type { ChatBatches } from '../batches.ts';
import type { TurnQuery } from './queries.ts';
import { StoredTurn } from './stored-turn.ts';
import { TurnFollower, type TurnFollowerOptions } from './turn-follower.ts';

const TURNS = 50;

test('looks that fail are logged once, however many there are and however many turns are followed', async () => {
  let asked = 0;
  const batches = {
    async findTurn() {
      asked++;
      throw postgresErrors.raise.unavailable();
    },
  } as unknown as ChatBatches;
  const lines: string[] = [];
  const log = createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  const follower = new TurnFollower({ batches, log, statementBudgetMs: 1_000 });
  const readers = new AbortController();
  for (let turn = 0; turn < TURNS; turn++) {
    follower.follow(new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() }), readers.signal);
  }
  await until(() => asked >= 2 * TURNS);
  readers.abort();
  expect(lines).toHaveLength(1);
});

test('a turn is looked at again when the look before has ended, and not once its reader has left', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const looks: PromiseWithResolvers<never[]>[] = [];
  const findTurn = () => {
    const look = Promise.withResolvers<never[]>();
    looks.push(look);
    return look.promise;
  };
  const log = createLogger({ level: 'silent' });
  const batches = { findTurn } as unknown as ChatBatches;
  const follower = new TurnFollower({ batches, log, statementBudgetMs: 30_000 });
  const reader = new AbortController();
  follower.follow(new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() }), reader.signal);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(looks).toHaveLength(1);
  looks[0]?.reject(postgresErrors.raise.unavailable());
  await vi.advanceTimersByTimeAsync(250);
  expect(looks).toHaveLength(2);
  reader.abort();
  looks[1]?.reject(postgresErrors.raise.unavailable());
  await vi.advanceTimersByTimeAsync(1_000);
  expect(looks).toHaveLength(2);
});

test('a look tells what was seen last, and a turn that is gone ends for its reader', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const known: unknown[] = [];
  const findTurn = async ({ knownHeartbeatAt }: TurnQuery) => {
    known.push(knownHeartbeatAt);
    return [];
  };
  const batches = { findTurn };
  const options = { batches, log: createLogger({ level: 'silent' }), statementBudgetMs: 30_000 };
  const follower = new TurnFollower(options as unknown as TurnFollowerOptions);
  const turn = new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() });
  turn.heartbeatAt = new Date(1);
  follower.follow(turn, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(turn.result).rejects.toMatchObject({ code: 'chat.turn_not_found' });
  expect(known).toEqual([new Date(1)]);
});
