import { expect, test } from 'vitest';
import { type TestUser, useProduct } from '../../../test/harness/product.ts';
import { toolCaller } from '../../../test/harness/tool-caller.ts';
import type { Item } from './schemas.ts';

const product = useProduct();

const call = toolCaller(product, 'todo_') as (...args: [TestUser, string, unknown]) => Promise<{ item: Item }>;

test('an item that is done is reopened by its title', async () => {
  const say = await product.startChat(await product.createUser(), 'todo');
  await say('add buy milk');
  await say('done with milk');
  expect(await say('my list')).toBe('There is nothing on your list.');
  expect(await say('mark milk as not done')).toBe('Open again: buy milk');
  expect(await say('my list')).toBe('- buy milk');
  await say('done with milk');
  expect(await say('markera milk som inte klar')).toBe('Öppet igen: buy milk');
  expect(await say('reopen eggs')).toBe('That did not work. "What is on my list?" shows what there is.');
});

test('of several of the same title, one that is not done is meant, or else the last that was done', async () => {
  const user = await product.createUser();
  const first = (await call(user, 'add', { title: 'milk' })).item;
  await call(user, 'complete', { title: 'milk' });
  const second = (await call(user, 'add', { title: 'milk' })).item;
  const reopen = () => call(user, 'update', { title: 'milk', done: false });
  expect(await reopen()).toMatchObject({ item: { id: second.id, done: false } });
  await call(user, 'complete', { id: second.id });
  expect(await reopen()).toMatchObject({ item: { id: second.id, done: false } });
  await call(user, 'delete', { id: second.id });
  expect(await reopen()).toMatchObject({ item: { id: first.id, done: false } });
});

test('what points at an item that only the talk before named, deletes none that has the word', async () => {
  const say = await product.startChat(await product.createUser(), 'todo');
  await say('add pay last bill');
  await say('lägg till betala sista räkningen');
  for (const text of ['delete the last', 'ta bort den sista']) await say(text);
  expect(await say('my list')).toBe('- pay last bill\n- betala sista räkningen');
});
