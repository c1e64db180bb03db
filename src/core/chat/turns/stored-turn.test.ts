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
