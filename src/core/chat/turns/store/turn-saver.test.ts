import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newRunningTurn } from '../../../../../test/harness/new-running-turn.ts';
import { newId } from '../../../../base/ids.ts';
import { createLogger } from '../../../../platform/log/index.ts';
import type { Message } from '../../schemas.ts';
import { StoppedByUser, TurnLost, TurnSaver, type TurnSaverOptions } from './turn-saver.ts';

let nowMs: number;
/** The saves that were sent: of a look at all turns, or of one turn alone. */
let sent: string[];
/** What the saves of looks wait for. */
let answered: PromiseWithResolvers<void>;
/** What the first saves of one turn alone are answered. */
let firstAnswers: (typeof rows)[];
/** The turns that were stopped by way of other servers. */
let stopped: { id: string }[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = 0;
  sent = [];
  answered = Promise.withResolvers();
  firstAnswers = [];
  stopped = [];
});

afterEach(() => {
  vi.useRealTimers();
});

const rows = [{ i: 1, fits: true, pieces: 1 }];

/** A turn that has begun, and what saves it. */
function begin() {
  const query = async ({ name }: { name: string }) => {
    if (name !== 'chat.save_progress') return stopped;
    sent.push('look');
    await answered.promise;
    return rows;
  };
  const saveProgress = async () => {
    sent.push('alone');
    return firstAnswers.shift() ?? rows;
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

test('of a turn that has lately been saved nothing is sent, but a sign of life when it is time', async () => {
  const { turn, pass } = begin();
  answered.resolve();
  turn.write('Hi');
  await pass(4_000);
  await pass(4_000);
  expect(sent).toEqual(['look']);
  await pass(1_500);
  expect(sent).toEqual(['look', 'look']);
});

test('what is stored is sent again at once where the database has not been heard for long, but not of a turn that has ended', async () => {
  const { turn, saver } = begin();
  nowMs = 10_000;
  await saver.ensureSaved(turn, turn.feed.length);
  expect(sent).toEqual(['alone']);
  saver.remove(turn);
  nowMs = 20_000;
  await saver.ensureSaved(turn, turn.feed.length);
  expect(sent).toEqual(['alone']);
});

test('what turns out not to be stored is sent again, until it is', async () => {
  const { turn, saver } = begin();
  firstAnswers = [[{ i: 1, fits: false, pieces: 0 }]];
  turn.write('Hi');
  await saver.ensureSaved(turn, turn.feed.length);
  expect(sent).toEqual(['alone', 'alone']);
});

test('a turn that is not this process’s any more is lost', async () => {
  const { turn, saver } = begin();
  firstAnswers = [[]];
  turn.write('Hi');
  await expect(saver.ensureSaved(turn, turn.feed.length)).rejects.toThrow(TurnLost);
});

test('a turn that its user stopped by way of another server ends, and no other', async () => {
  const { turn, saver, pass } = begin();
  const other = newRunningTurn();
  saver.add(other);
  stopped = [{ id: turn.key.turnId }];
  await pass(1_000);
  expect(turn.deadline.reason).toBeInstanceOf(StoppedByUser);
  expect(other.deadline.reason).toBeUndefined();
});
