import { beforeEach, expect, test, vi } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import type { AssistantContext } from '../../kit/index.ts';
import { logMood } from './entries.ts';
import { rereadEntry } from './jobs.ts';
import { postponeReading } from './queries.ts';

const trouble = new AppError('models.unreachable', { status: 502, message: 'The model cannot be reached.' });
const warn = vi.fn();

beforeEach(() => {
  warn.mockClear();
});

/** A context whose model fails, and whose database has one entry. */
function contextOf({ hasModel = true, entries = [{ mood_text: 'Glad!' }], error = trouble } = {}): AssistantContext {
  const stored = { felt_at: '2026-11-22T22:30:00Z', created_at: '2026-11-22T22:30:00Z' };
  return {
    ...{ userId: 'alice', clock: systemClock, deadline: Deadline.after(10_000), hasModel },
    log: { info() {}, warn },
    ask: () => Promise.reject(error),
    query: () => Promise.resolve(entries),
    async once(_statement: unknown, makeInput: () => Promise<object>) {
      await makeInput();
      return { answer: stored };
    },
    forget() {},
  } as object as AssistantContext;
}

test('what kept the model from reading a mood is in the log, once', async () => {
  await logMood({ moodText: 'Glad!', feltAt: undefined }, contextOf());
  expect(warn.mock.calls).toEqual([[{ err: trouble }, expect.any(String)]]);
});

test('what kept the model from reading an entry again is in the log, once', async () => {
  await rereadEntry.run({ id: 'one', attempt: 1 }, contextOf());
  expect(warn.mock.calls).toEqual([[{ err: trouble, entry_id: 'one', attempt: 1 }, expect.any(String)]]);
});

test('a user who has as many calls of models under way as the plan allows makes no job fail: it is put off', async () => {
  const context = contextOf({
    error: new AppError('limits.model_calls_exceeded', { status: 429, message: 'Too many.' }),
  });
  const query = vi.spyOn(context, 'query');
  await rereadEntry.run({ id: 'one', attempt: 1 }, context);
  expect(query).toHaveBeenLastCalledWith(postponeReading, { id: 'one', attempt: 2, hours: 4 });
});

test('where there is no model, that is no trouble', async () => {
  await logMood({ moodText: 'Glad!', feltAt: undefined }, contextOf({ hasModel: false }));
  await rereadEntry.run({ id: 'one', attempt: 1 }, contextOf({ entries: [] }));
  expect(warn).not.toHaveBeenCalled();
});
