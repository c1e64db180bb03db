import { expect, test } from 'vitest';
import { listErrorCodes } from '../../../../test/house/list-error-codes.ts';
import { newId } from '../../../base/ids.ts';
import type { TurnRow } from './queries.ts';
import { StoredTurn } from './stored-turn.ts';
import type { TurnEvent } from './turn-event.ts';

/** Whose errors a turn can end with: those that writing an answer fails with, and those that a turn is cancelled for. */
const features = ['auth', 'chat', 'http', 'limits', 'models', 'postgres'];

const errors = (await listErrorCodes()).filter(({ code }) => features.includes(code.slice(0, code.indexOf('.'))));

function failedRow(code: string, message: string | null): TurnRow {
  const ended = { status: 'failed', error_code: code, error_message: message, is_news: true };
  const written = { question_seq: null, answer_id: null, text: '', delta_chars: [], tool_calls: null };
  return { id: newId(), session_id: newId(), ...ended, ...written } as unknown as TurnRow;
}

test.each(errors)('a turn that ended with $code is told with that', async ({ code, status, retryAfterMs }) => {
  const turn = new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() });
  turn.update(failedRow(code, 'Why.'));
  await expect(turn.result).rejects.toMatchObject({ code, status, retryAfterMs, message: 'Why.' });
  const events: TurnEvent[] = [];
  await turn.feed.read(new AbortController().signal, 0, (event) => void events.push(event));
  expect(events.at(-1)).toMatchObject({ type: 'error', error: { code, message: 'Why.' } });
});

test('each event is told once, when it is news, and nothing after the end', async () => {
  const turn = new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() });
  const ended = failedRow('chat.turn_lost', null);
  const write = (text: string, more: Partial<TurnRow> = { status: 'running' }) =>
    turn.update({
      ...ended,
      heartbeat_at: new Date(text.length),
      text,
      delta_chars: Array(text.length).fill(1),
      ...more,
    });
  write('a');
  write('ab');
  write('abc', { status: 'running', is_news: false });
  expect([turn.heartbeatAt, turn.feed.length]).toEqual([new Date(2), 2]);
  write('ab', {});
  write('abc', {});
  await expect(turn.result).rejects.toMatchObject({ code: 'chat.turn_lost' });
  expect([turn.hasEnded, turn.feed.length]).toEqual([true, 3]);
});

test('a turn that was stopped is told with its answer, and who wrote it', async () => {
  const turn = new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() });
  const answer = { answer_id: newId(), answer_seq: 2, answer_status: 'incomplete', answer_degraded: true, text: 'Hi' };
  turn.update({ ...failedRow('', null), ...answer, status: 'stopped', ended_at: new Date() });
  const message = { content: 'Hi', status: 'incomplete', degraded: true };
  expect(await turn.result).toMatchObject({ message });
});

test('a turn that ended with an error of another version is told as one of the server', async () => {
  const turn = new StoredTurn({ userId: newId(), sessionId: newId(), turnId: newId() });
  turn.update(failedRow('chat.of_tomorrow', 'Why.'));
  await expect(turn.result).rejects.toMatchObject({ code: 'http.internal' });
});
