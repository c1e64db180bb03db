import { expect, test } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';
import { toolCaller } from '../../../test/harness/tool-caller.ts';
import { commands } from './commands/commands.ts';

const product = useProduct();

const call = toolCaller(product, 'pam_');

test('an expense that was recorded in error is deleted by its id, by whom it belongs to', async () => {
  const [user, other] = [await product.createUser(), await product.createUser()];
  const recorded = await call(user, 'create_expense', { amount: '12.50', currency: 'EUR', category: 'lunch' });
  const { id, spent_on } = (recorded as { expense: { id: string; spent_on: string } }).expense;
  await expect(call(other, 'delete_expense', { id })).rejects.toMatchObject({ code: 'pam.expense_not_found' });
  const result = await call(user, 'delete_expense', { id });
  expect(result).toMatchObject({ deleted: { id, amount: '12.50', currency: 'EUR', category: 'lunch' } });
  expect(await call(user, 'list_expenses', {})).toMatchObject({ expenses: [] });
  await expect(call(user, 'delete_expense', { id })).rejects.toMatchObject({ code: 'pam.expense_not_found' });
  // Told by the offline model, where the model that deleted it has gone.
  const told = (text: string) => commands.tell({ text, tool: 'pam_delete_expense', result });
  expect(told('no, it was 15')).toBe(`Deleted: €12.50 on lunch, ${spent_on}`);
});

test('taking away a budget says of which currency: another one stays', async () => {
  const user = await product.createUser();
  const chat = await product.startChat(user, 'pam');
  const say = async (content: string) => (await chat(content)).replaceAll('\u00a0', ' ');
  await say('budget 3 000 kr för mat');
  expect(await say('set my mat budget to 0')).toBe('There is no budget for mat in EUR any more.');
  expect(await say('budget 0 för mat')).toBe('Det finns ingen budget för mat i EUR längre.');
  expect(await say('my budget')).toBe('What you mean to spend in a month:\n- mat: SEK 3,000.00');
});
