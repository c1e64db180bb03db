import { expect, test } from 'vitest';
import { useProduct } from '../../../test/harness/product.ts';

const product = useProduct();

test('an item is found by its title, whether a letter was typed in one piece or with its accent apart', async () => {
  const user = await product.createUser();
  const send = (method: 'POST' | 'PATCH', path: string, body: object) =>
    product.request(user, method, `/api/todo/items${path}`, body);
  const say = await product.startChat(user, 'todo');
  const created = await send('POST', '', { title: 'cafe\u0301 visit' });
  const item = (await created.json()) as { id: string; title: string };
  expect(item.title).toBe('cafe\u0301 visit');
  expect(await say('done with caf\u00e9 visit')).toBe('Done: cafe\u0301 visit');
  await send('PATCH', `/${item.id}`, { title: 'fare\u0301 fest', done: false });
  expect(await say('delete far\u00e9')).toBe('Deleted: fare\u0301 fest');
  await send('POST', '', { title: 'caf\u00e9 visit' });
  expect(await say('done with cafe\u0301 visit')).toBe('Done: caf\u00e9 visit');
});
