import { expect, test } from 'vitest';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';
import { until } from '../harness/until.ts';

/** More than an answer may hold. */
const endless = `{"text":"${'x'.repeat(1_200_000)}"}`;

const speech = { text: 'Noting it.', calls: [{ name: 'desk_note', arguments: endless }] };
const assistant = createTestAssistant();
const { product, provider } = useProductWithModel({ script: () => speech }, {}, { assistants: [assistant] });
const user = useUser(product);

test('a turn whose model does not stop writing a call ends, runs nothing, and keeps what was said', async () => {
  const path = `/v1/chat/sessions/${await product.createSession(user, { assistant: 'desk' })}/messages`;
  const answer = await product.request(user, 'POST', path, { content: 'Note this.' });
  expect([answer.status, await answer.json()]).toMatchObject([502, { error: { code: 'chat.answer_too_long' } }]);
  const { data } = (await (await product.request(user, 'GET', path)).json()) as { data: object[] };
  expect(data[1]).toMatchObject({ status: 'incomplete', content: 'Noting it.', tool_calls: [] });
  expect(assistant.runs).toEqual([]);
  await until(() => provider.aborts.length === 1);
  expect(provider.requestCount).toBe(1);
});
