import { expect, test } from 'vitest';
import type { StoredToolCall } from './tool-call.ts';
import { draftEvents } from './turn-draft.ts';

/** The events of a text of two pieces, `a` and `b`, between which calls came: what was written, or what happened to which call. */
function tell(...toolCalls: Partial<StoredToolCall>[]): string[] {
  const calls = toolCalls.map(
    (call) => ({ name: 'todo_add', arguments: {}, step: 1, at: 1, ...call }) as StoredToolCall,
  );
  const events = draftEvents({ text: 'ab', deltaChars: [1, 1], toolCalls: calls });
  return Array.from(events, (event) => {
    if (event.type === 'message.delta') return event.delta;
    return 'tool_call' in event ? `${event.type} ${event.tool_call.id}` : event.type;
  });
}

const outcome = { result: null, is_error: false };

test('calls are told where they came in the text', () => {
  expect(tell({ id: '1', ...outcome })).toEqual(['a', 'tool.started 1', 'tool.finished 1', 'b']);
});

test('nothing is told after a call that is not finished', () => {
  const told = tell({ id: '1' }, { id: '2', ...outcome });
  expect(told).toEqual(['a', 'tool.started 1', 'tool.started 2']);
});
