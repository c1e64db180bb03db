import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newRunningTurn } from '../../../../../test/harness/new-running-turn.ts';
import { newId } from '../../../../base/ids.ts';
import { createLogger } from '../../../../platform/log/index.ts';
import type { Message } from '../../schemas.ts';
import { TurnSaver, type TurnSaverOptions } from './turn-saver.ts';

let nowMs: number;
/** The saves that were sent: of a look at all turns, or of one turn alone. */
let sent: string[];
/** What the saves of looks wait for. */
let answered: PromiseWithResolvers<void>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = 0;
  sent = [];
  answered = Promise.withResolvers();
});

afterEach(() => {
  vi.useRealTimers();
});

const rows = [{ i: 1, fits: true, pieces: 1 }];

/** A turn that has begun, and what saves it. */
function begin() {
  const query = async ({ name }: { name: string }) => {
    if (name !== 'chat.save_progress') return [];
    sent.push('look');
    await answered.promise;
    return rows;
  };
  const saveProgress = async () => {
    sent.push('alone');
    return rows;
  };
  const clock = { now: () => new Date(), monotonicMs: () => nowMs };
  const parts = { database: { query }, batches: { saveProgress }, clock, log: createLogger({ level: 'silent' }) };
  const options = { ...parts, owner: newId(), statementBudgetMs: 1_000 };
  const saver = new TurnSaver(options as unknown as TurnSaverOptions);
  const turn = newRunningTurn();
  turn.begin({} as Message);
  saver.add(turn);
  const pass = async (durationMs: number) => {
    nowMs += durationMs;
    await vi.advanceTimersByTimeAsync(durationMs);
  };
  return { turn, saver, pass };
}

test('nothing is stored of a turn before its model writes: its beginning was stored when it was started', async () => {
  const { turn, pass } = begin();
  await pass(1_000);
  expect(sent).toEqual([]);
  turn.write('Hi');
  await pass(1_000);
  expect(sent).toEqual(['look']);
});

test('what is to be stored at once waits for what is being stored of the turn, which would undo it', async () => {
  const { turn, saver, pass } = begin();
  turn.write('Hi');
  await pass(1_000);
  turn.beginCalls([{ id: 'a', name: 'todo_add', arguments: {}, step: 1, at: 2 }]);
  const saving = saver.ensureSaved(turn, turn.feed.length);
  await pass(0);
  expect(sent).toEqual(['look']);
  answered.resolve();
  await saving;
  expect(sent).toEqual(['look', 'alone']);
});

test('what is left of a turn that is written is stored with its end: until then only its heartbeat is', async () => {
  const { turn, pass } = begin();
  turn.write('Hi');
  turn.endWriting();
  await pass(4_000);
  expect(sent).toEqual([]);
  await pass(1_500);
  expect(sent).toEqual(['look']);
});
