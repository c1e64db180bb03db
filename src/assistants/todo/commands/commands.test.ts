import { describe, expect, test } from 'vitest';
import type { Item } from '../schemas.ts';
import { commands } from './commands.ts';

// A Sunday.
const now = new Date('2026-11-22T22:30:00Z');
const read = (text: string) => commands.read({ text, now });

test.each<[string, string, object]>([
  ['add buy milk for tomorrow', 'add', { title: 'buy milk', due_on: '2026-11-23' }],
  ['Add buy milk', 'add', { title: 'buy milk' }],
  ['please add "call Anna" to my list on Friday.', 'add', { title: '"call Anna"', due_on: '2026-11-27' }],
  ['add call Anna by 5 March', 'add', { title: 'call Anna', due_on: '2027-03-05' }],
  ['remind me to pay rent in 3 days', 'add', { title: 'pay rent', due_on: '2026-11-25' }],
  ['add read 1984', 'add', { title: 'read 1984' }],
  ['what is on my list?', 'list', {}],
  ['What’s on my list today?', 'list', { due_to: '2026-11-22' }],
  ['what do I have to do tomorrow?', 'list', { due_to: '2026-11-23' }],
  ['done with the milk', 'complete', { title: 'milk' }],
  ['mark call Anna as done', 'complete', { title: 'call Anna' }],
  ['complete buy milk', 'complete', { title: 'buy milk' }],
  ['done: call Anna', 'complete', { title: 'call Anna' }],
  ['the milk is done', 'complete', { title: 'milk' }],
  ['delete buy milk from my list', 'delete', { title: 'buy milk' }],
  ['lägg till köp mjölk imorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-23' }],
  ['Lägg till köp mjölk till i övermorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-24' }],
  ['lägg till köp mjölk övermorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-24' }],
  ['lägg till ring mamma på fredag', 'add', { title: 'ring mamma', due_on: '2026-11-27' }],
  ['påminn mig om att betala hyran om 2 veckor', 'add', { title: 'betala hyran', due_on: '2026-12-06' }],
  ['lägg till städa på listan', 'add', { title: 'städa' }],
  ['vad har jag att göra?', 'list', {}],
  ['Vad har jag att göra nästa vecka?', 'list', { due_to: '2026-11-29' }],
  ['Vad ska jag göra idag?', 'list', { due_to: '2026-11-22' }],
  ['klar med mjölk', 'complete', { title: 'mjölk' }],
  ['köp mjölk är klart', 'complete', { title: 'köp mjölk' }],
  ['ta bort köp mjölk', 'delete', { title: 'köp mjölk' }],
])('"%s" is understood', (text, tool, input) => {
  expect(read(text)).toEqual({ tool: `todo_${tool}`, input });
});

test.each([
  'hello',
  'how do I add a printer?',
  'what is on my list of regrets',
  'what is done?',
  'vad ska jag göra åt saken?',
  'add',
  'delete',
  'add tomorrow',
  'hej',
  '',
])('"%s" is not guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});

test('every example is understood', () => {
  expect(commands.examples.filter((text) => read(text) === undefined)).toEqual([]);
});

describe('what came of it is told in the language of the command:', () => {
  const item = { title: 'mjölk', due_on: '2026-12-24' } as Item;

  test.each<[string, string, unknown, string]>([
    ['add mjölk', 'todo_add', { item }, 'Added: mjölk (due 2026-12-24)'],
    ['lägg till mjölk', 'todo_add', { item }, 'Tillagt: mjölk (till 2026-12-24)'],
    ['my list', 'todo_list', { items: [item, { ...item, due_on: null }] }, '- mjölk (due 2026-12-24)\n- mjölk'],
    ['min lista', 'todo_list', { items: [] }, 'Det finns inget på din lista.'],
    ['what is on my list today?', 'todo_list', { items: [] }, 'Nothing on your list is due by then.'],
    ['klar med mjölk', 'todo_complete', { item }, 'Klart: mjölk (till 2026-12-24)'],
    [
      'delete mjölk',
      'todo_delete',
      { candidates: [item] },
      'Several items fit; say more of the title:\n- mjölk (due 2026-12-24)',
    ],
    [
      'ta bort mjölk',
      'todo_delete',
      undefined,
      expect.stringContaining('Det gick inte. Finns den, och är den inte redan klar?'),
    ],
  ])('%s', (text, ...[tool, result, told]) => {
    expect(commands.tell({ text, tool, result })).toEqual(told);
  });
});
