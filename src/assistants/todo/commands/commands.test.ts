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
  [
    'delete buy milk for tomorrow',
    'delete',
    { title: 'buy milk', full_title: 'buy milk for tomorrow', due_on: '2026-11-23' },
  ],
  ['delete buy milk today', 'delete', { title: 'buy milk', full_title: 'buy milk today', due_on: '2026-11-22' }],
  [
    'mark the dentist item on Friday as done',
    'complete',
    { title: 'dentist', full_title: 'dentist item on Friday', due_on: '2026-11-27' },
  ],
  // That is when it was done, not when it was due.
  ['I finished the report today', 'complete', { title: 'report', full_title: 'report today' }],
  ['klar med rapporten idag', 'complete', { title: 'rapporten', full_title: 'rapporten idag', language: 'sv' }],
  ['lägg till köp mjölk imorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-23' }],
  ['Lägg till köp mjölk till i övermorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-24' }],
  ['lägg till köp mjölk övermorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-24' }],
  ['lägg till ring mamma på fredag', 'add', { title: 'ring mamma', due_on: '2026-11-27' }],
  ['påminn mig om att betala hyran om 2 veckor', 'add', { title: 'betala hyran', due_on: '2026-12-06' }],
  ['lägg till städa på listan', 'add', { title: 'städa' }],
  ['vad har jag att göra?', 'list', {}],
  ['Vad har jag att göra nästa vecka?', 'list', { due_to: '2026-11-29' }],
  ['Vad ska jag göra idag?', 'list', { due_to: '2026-11-22' }],
  ['klar med mjölk', 'complete', { title: 'mjölk', language: 'sv' }],
  ['köp mjölk är klart', 'complete', { title: 'köp mjölk', language: 'sv' }],
  ['ta bort köp mjölk', 'delete', { title: 'köp mjölk', language: 'sv' }],
  [
    'klar med köp mjölk till i övermorgon',
    'complete',
    { title: 'köp mjölk', full_title: 'köp mjölk till i övermorgon', due_on: '2026-11-24', language: 'sv' },
  ],
  ['buy milk tomorrow', 'add', { title: 'buy milk', due_on: '2026-11-23' }],
  ['can you add milk to my list, please?', 'add', { title: 'milk' }],
  ["don't forget to call Anna", 'add', { title: 'call Anna' }],
  ['add a task: buy milk', 'add', { title: 'buy milk' }],
  ['add to my list: buy milk', 'add', { title: 'buy milk' }],
  ['add milk to the list tomorrow', 'add', { title: 'milk', due_on: '2026-11-23' }],
  ['köp mjölk imorgon', 'add', { title: 'köp mjölk', due_on: '2026-11-23' }],
  ['påminn mig att ringa mamma på fredag', 'add', { title: 'ringa mamma', due_on: '2026-11-27' }],
  ['glöm inte att ringa mamma', 'add', { title: 'ringa mamma' }],
  ['lägg till en uppgift: städa', 'add', { title: 'städa' }],
  ['what should I do tomorrow?', 'list', { due_to: '2026-11-23' }],
  ["what's on my list for tomorrow?", 'list', { due_to: '2026-11-23' }],
  ['show my tasks', 'list', {}],
  ['vad har jag på listan?', 'list', {}],
  ['visa mina uppgifter', 'list', {}],
  ['I finished the report', 'complete', { title: 'report' }],
  ['markera mjölk som klar', 'complete', { title: 'mjölk', language: 'sv' }],
  ['delete the dentist item', 'delete', { title: 'dentist' }],
  ['what´s on my list', 'list', {}],
  ['don`t forget to call Anna', 'add', { title: 'call Anna' }],
  ['add run `npm ci`', 'add', { title: 'run `npm ci`' }],
  ['remind me tomorrow to call mom', 'add', { title: 'call mom', due_on: '2026-11-23' }],
  ['remind me on Friday to call mom', 'add', { title: 'call mom', due_on: '2026-11-27' }],
  ['påminn mig imorgon om att ringa mamma', 'add', { title: 'ringa mamma', due_on: '2026-11-23' }],
  ['påminn mig på fredag att ringa mamma', 'add', { title: 'ringa mamma', due_on: '2026-11-27' }],
  ['remind me tomorrow to order cake for Friday', 'add', { title: 'order cake for Friday', due_on: '2026-11-23' }],
  ['remind me on Friday to call mom at 5pm', 'add', { title: 'call mom at 5pm', due_on: '2026-11-27' }],
  ['put milk on my list for tomorrow', 'add', { title: 'milk', due_on: '2026-11-23' }],
  ['lägg in mjölk på listan', 'add', { title: 'mjölk' }],
  ['sätt mjölk på listan', 'add', { title: 'mjölk' }],
  ['I need to buy milk', 'add', { title: 'buy milk' }],
  ['jag måste köpa mjölk', 'add', { title: 'köpa mjölk' }],
  // When it was done, not when it was due.
  ['finished the report on Friday', 'complete', { title: 'report', full_title: 'report on Friday' }],
  ['I finished the laundry yesterday', 'complete', { title: 'laundry', full_title: 'laundry yesterday' }],
  ['done with the report last Friday', 'complete', { title: 'report', full_title: 'report last Friday' }],
  [
    'klar med rapporten i fredags',
    'complete',
    { title: 'rapporten', full_title: 'rapporten i fredags', language: 'sv' },
  ],
  [
    'finished the report for Friday',
    'complete',
    { title: 'report', full_title: 'report for Friday', due_on: '2026-11-27' },
  ],
  ['I finished the report for today', 'complete', { title: 'report', full_title: 'report for today' }],
  ['remind me to call when dinner is done', 'add', { title: 'call when dinner is done' }],
  ['buy steak well done', 'add', { title: 'buy steak well done' }],
  ['köpa present och få allt klart', 'add', { title: 'köpa present och få allt klart' }],
  ['lägg till ring 2:a marknadschefen imorgon', 'add', { title: 'ring 2:a marknadschefen', due_on: '2026-11-23' }],
  ['add get the laundry done', 'add', { title: 'get the laundry done' }],
  ['lägg till få rapporten klar', 'add', { title: 'få rapporten klar' }],
  ['todo: buy milk', 'add', { title: 'buy milk' }],
  ['ny uppgift: städa', 'add', { title: 'städa' }],
  ['add milk to my to-do list', 'add', { title: 'milk' }],
  ['whats on my to-do list?', 'list', {}],
  ['show list', 'list', {}],
  ['my todos', 'list', {}],
  ["what's due tomorrow?", 'list', { due_to: '2026-11-23' }],
  // A title goes on in a second line.
  ['add buy milk\nand bread', 'add', { title: 'buy milk and bread' }],
  ["what's left?", 'list', {}],
  ['what is left to do today?', 'list', { due_to: '2026-11-22' }],
  ['vad har jag kvar?', 'list', {}],
])('"%s" is understood', (text, tool, input) => {
  expect(read(text)).toEqual({ tool: `todo_${tool}`, input });
});

describe('a day is taken off the end, with nothing lost:', () => {
  test.each<[string, string, string | undefined]>([
    ['add call Anna tomorrow at 5pm', 'call Anna at 17:00', '2026-11-23'],
    ['add call Anna at 5pm tomorrow', 'call Anna at 17:00', '2026-11-23'],
    ['add call Anna tomorrow morning', 'call Anna in the morning', '2026-11-23'],
    ['lägg till ring Anna i morgon kl 17', 'ring Anna kl 17', '2026-11-23'],
    ['add call Anna the day after tomorrow', 'call Anna', '2026-11-24'],
    ['add call Anna next Friday', 'call Anna', '2026-11-27'],
    ['lägg till boka tid på tisdag nästa vecka', 'boka tid', '2026-11-24'],
    ['add pay rent on 1 January', 'pay rent', '2027-01-01'],
    ['lägg till möte 3/12', 'möte', '2026-12-03'],
    ['lägg till tandläkare den 1/1', 'tandläkare', '2027-01-01'],
    ['lägg till tandläkare till den 3/4', 'tandläkare', '2027-04-03'],
    ['lägg till tandläkare senast den 3/4', 'tandläkare', '2027-04-03'],
    ['lägg till fixa den på fredag', 'fixa den', '2026-11-27'],
    ['add call Anna by the 5th of March', 'call Anna', '2027-03-05'],
    // In the morning or in the evening.
    ['add dinner at 7 on friday', 'dinner at 7', '2026-11-27'],
    ['add dinner on friday at 7:30', 'dinner at 7:30', '2026-11-27'],
    ['add dinner friday 7:30', 'dinner at 7:30', '2026-11-27'],
    ['add dinner on 5 March at 7', 'dinner at 7', '2027-03-05'],
    ['add dinner at 7 tonight', 'dinner at 19:00', '2026-11-22'],
    ['add dinner at 19 on friday', 'dinner at 19:00', '2026-11-27'],
    ['add lunch on friday at noon', 'lunch at 12:00', '2026-11-27'],
    // Of two days, and of a day of the week with another one's date.
    ['add order cake for Friday tomorrow', 'order cake for Friday', '2026-11-23'],
    ['lägg till beställ tårta till fredag imorgon', 'beställ tårta till fredag', '2026-11-23'],
    ['add order cake for Friday today', 'order cake for Friday today', undefined],
    ['add call Anna on Friday 5 December', 'call Anna on Friday 5 December', undefined],
    ['add call Anna on Saturday 5 December', 'call Anna', '2026-12-05'],
    ['lägg till möte måndagen den 30 november', 'möte', '2026-11-30'],
    ['lägg till möte den 5:e december', 'möte', '2026-12-05'],
    ['lägg till ring Anna ikväll', 'ring Anna', '2026-11-22'],
    ['lägg till ring Anna i morgon kväll', 'ring Anna i morgon kväll', undefined],
    ['lägg till möte fredagen den 5 december', 'möte fredagen den 5 december', undefined],
    ['add call Anna, tomorrow', 'call Anna', '2026-11-23'],
    ['lägg till ring Anna, på fredag', 'ring Anna', '2026-11-27'],
    // Days that are part of what is to be done.
    ['add buy sun cream', 'buy sun cream', undefined],
    ['add watch the sun', 'watch the sun', undefined],
    ['add order Sunday roast', 'order Sunday roast', undefined],
    ["add buy friday's newspaper", "buy friday's newspaper", undefined],
    ['add buy 1/2 kg butter', 'buy 1/2 kg butter', undefined],
    ['add buy a second monitor', 'buy a second monitor', undefined],
    ['lägg till köp lördagsgodis', 'köp lördagsgodis', undefined],
    // Days that do not say when it is due.
    ['remind me to call mom every Friday', 'call mom every Friday', undefined],
    ['lägg till ring mamma varje fredag', 'ring mamma varje fredag', undefined],
    ['add buy milk on Monday or Tuesday', 'buy milk on Monday or Tuesday', undefined],
    ['add buy milk today and call mom tomorrow', 'buy milk today and call mom tomorrow', undefined],
    ['lägg till köp mjölk idag och ring mamma imorgon', 'köp mjölk idag och ring mamma imorgon', undefined],
    ['add rest from today until tomorrow', 'rest from today until tomorrow', undefined],
    ['add holiday 1-5 December', 'holiday 1-5 December', undefined],
    ['add call bank 12/3', 'call bank 12/3', undefined],
    ['add buy milk yesterday', 'buy milk yesterday', undefined],
    ['add report by the end of the week', 'report by the end of the week', undefined],
    ['add pay rent on 31 February', 'pay rent on 31 February', undefined],
    ['add call Anna after friday', 'call Anna after friday', undefined],
    ['add call Anna before 5 March', 'call Anna before 5 March', undefined],
    ['add a summary of notes from Friday', 'a summary of notes from Friday', undefined],
    ['add count hours since Monday', 'count hours since Monday', undefined],
    ['add call Anna over the weekend', 'call Anna over the weekend', undefined],
    ['lägg till ring Anna efter fredag', 'ring Anna efter fredag', undefined],
    ['lägg till ring Anna efter den 3/4', 'ring Anna efter den 3/4', undefined],
    ['lägg till ring Anna innan fredag', 'ring Anna innan fredag', undefined],
    ['lägg till ring Anna före fredag', 'ring Anna före fredag', undefined],
    ['lägg till läs post från igår', 'läs post från igår', undefined],
    ['lägg till vila från fredag', 'vila från fredag', undefined],
    ['lägg till vila tills imorgon', 'vila tills imorgon', undefined],
  ])('"%s"', (text, title, day) => {
    expect(read(text)?.input).toEqual({ title, ...(day !== undefined && { due_on: day }) });
  });
});

test.each(['00:30', '11:59', '12:01', '23:30'])('at %s of a day, its own name and date are that day', (time) => {
  const dueOn = (text: string) => commands.read({ text, now: new Date(`2026-11-27T${time}:00Z`) })?.input.due_on;
  for (const day of ['on Friday', 'on 27 November', 'today', 'tonight']) {
    expect([day, dueOn(`add call Anna ${day}`)]).toEqual([day, '2026-11-27']);
  }
  for (const day of ['på fredag', 'den 27 november', 'i dag']) {
    expect([day, dueOn(`lägg till ring Anna ${day}`)]).toEqual([day, '2026-11-27']);
  }
});

test.each([
  'hello',
  'add milk?',
  'milk is done?',
  'delete milk?',
  'är mjölk klar?',
  'add an item',
  'add something to my list',
  'lägg till något',
  'delete it',
  'delete all',
  'delete everything for tomorrow',
  'delete all completed items',
  'delete item 2',
  'put it on my list',
  'put the kettle on',
  'remind me about going to town',
  'delete my account',
  'I need to ask you something',
  'jag måste säga att det är bra',
  'mark everything as done',
  'I have done nothing',
  'everything is done',
  'ta bort allt',
  'allt är klart',
  'how do I add a printer?',
  'what is on my list of regrets',
  'what is done?',
  // Of a word in a title, too: "say yes to Anna", "parking lot".
  'yes, done',
  'så klart!',
  'I did a lot today',
  'delete what is done',
  'well done',
  'not done',
  'I did not finish the report',
  "milk isn't done",
  'milk is almost done',
  'how do I get milk done',
  'jag är klar',
  'mjölken är inte klar',
  'nästan klar',
  // To do one of several, or make one of all, would be to guess.
  'add milk\nadd eggs',
  'done with milk\ndelete eggs',
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
    // What a model had asked for before it was gone.
    ['hmm', 'todo_update', { item }, 'Changed: mjölk (due 2026-12-24)'],
    ['hmm', 'todo_list', { items: [] }, 'There is nothing of that kind on your list.'],
    ['my list', 'todo_list', { items: [item], has_more: true }, '- mjölk (due 2026-12-24)\nThere is more than this.'],
    ['klar med mjölk', 'todo_complete', { item }, 'Klart: mjölk (till 2026-12-24)'],
    [
      'delete mjölk',
      'todo_delete',
      { candidates: [item] },
      'Several items fit. Say it again with more of the title, or with the day:\n- mjölk (due 2026-12-24)',
    ],
    [
      'delete milk for tomorrow',
      'todo_delete',
      undefined,
      expect.stringContaining('Is “milk for tomorrow” on your list, and not done yet?'),
    ],
    ['ta bort mjölk', 'todo_delete', undefined, expect.stringContaining('Finns ”mjölk” på din lista')],
    ['add milk', 'todo_add', undefined, expect.not.stringContaining('milk')],
    ['what is left today?', 'todo_list', undefined, expect.not.stringContaining('today')],
  ])('%s', (text, ...[tool, result, told]) => {
    expect(commands.tell({ text, tool, result })).toEqual(told);
  });
});
