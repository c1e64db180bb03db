import { expect, test } from 'vitest';
import { commands } from './commands.ts';

// A Wednesday.
const now = new Date('2026-11-25T13:30:00Z');
const read = (text: string) => commands.read({ text, now });

// A title may have the word: "pay last bill", "call both grandmas", "clean up kitchen".
test.each([
  'delete the last',
  'delete the first two',
  'delete the last 3 tasks',
  'delete both',
  'delete that one',
  'delete the old ones',
  "delete tomorrow's tasks",
  'complete the next',
  'done with the first',
  'both are done',
  'that one is done',
  'which item is done',
  'some are done',
  'no task is done',
  'finished up',
  'I have done enough',
  'done with the day',
  'ta bort den sista',
  'ta bort båda',
  'ta bort den där',
  'ta bort gamla',
  'ta bort nummer 2',
  'klar med den första',
  'klar med dagen',
  'den andra är klar',
  'vilken är klar',
  'det mesta är klart',
  'jag har gjort fel',
  // Else "call mom every Friday" would be deleted, and "open our account".
  'delete every task',
  'delete our account',
  'radera mitt konto',
  'ta bort varje uppgift',
  'add one more thing',
  'add some things',
  'lägg till en sak till',
  'lägg till några saker',
  'put it back on my list',
  'add to my list:',
  'lägg till på listan',
  'reopen on my list',
  'move it to Friday',
  'delete EVERYTHING',
  'add -',
])('"%s" names no item', (text) => {
  expect(read(text)).toBeUndefined();
});

test.each([
  'call mom when the report is done',
  'if the report is done',
  'I hope the report is done',
  'make sure the report is done',
  'säg till när maten är klar',
  'säg till om maten är klar',
  'om maten är klar',
  'vet du om maten är klar',
  'jag hoppas att rapporten är klar',
])('"%s" does not say that it is done', (text) => {
  expect(read(text)).toBeUndefined();
});

test('what is moved to a place is not moved to a day', () => {
  expect(read('move the boxes to the garage')).toBeUndefined();
  expect(read('flytta lådorna till vinden')).toBeUndefined();
});

test('a question is none the less one for a greeting', () => {
  expect(read('hi, delete milk?')).toBeUndefined();
  expect(read('Hi! Delete milk?')).toBeUndefined();
});

test.each([
  'add milk. Then delete eggs',
  'Delete eggs. Add milk.',
  'add milk, and remind me to call mom tomorrow',
  'köp mjölk och påminn mig att ringa mamma',
])('"%s" is several commands', (text) => {
  expect(read(text)).toBeUndefined();
});

test.each<[string, string, object]>([
  ['the last report is done', 'complete', { title: 'last report' }],
  ['delete the two tickets', 'delete', { title: 'two tickets' }],
  ['add call Dr. Add', 'add', { title: 'call Dr. Add' }],
  ['hi, add milk', 'add', { title: 'milk' }],
  ['hej, lägg även till mjölk', 'add', { title: 'mjölk' }],
  ['Hi! Add milk', 'add', { title: 'milk' }],
  ['Hej! Vad har jag att göra?', 'list', {}],
  ['Hello.\nDelete milk.', 'delete', { title: 'milk' }],
  ['uppsatsen om kriget är klar', 'complete', { title: 'uppsatsen om kriget', language: 'sv' }],
  ['add milk pls', 'add', { title: 'milk' }],
  [' add milk', 'add', { title: 'milk' }],
  ['add some milk', 'add', { title: 'some milk' }],
  ['add go on Friday to meet Anna', 'add', { title: 'go on Friday to meet Anna' }],
  ['remind me to go out and buy milk', 'add', { title: 'go out and buy milk' }],
  ['add milk to my list of groceries', 'add', { title: 'milk to my list of groceries' }],
  ['lägg till mjölk till min lista', 'add', { title: 'mjölk' }],
  ['lägg till i min lista: mjölk', 'add', { title: 'mjölk' }],
  ['lägg till namn till listan över gäster', 'add', { title: 'namn till listan över gäster' }],
  ['add milk, thanks', 'add', { title: 'milk' }],
  ['lägg till mjölk snälla', 'add', { title: 'mjölk' }],
  ["I've finished with the report", 'complete', { title: 'report' }],
  ['take milk off my list', 'delete', { title: 'milk' }],
  ['kan du snälla ta bort mjölk', 'delete', { title: 'mjölk', language: 'sv' }],
  ['jag har gjort klart läxan', 'complete', { title: 'läxan', language: 'sv' }],
  ['reopen the report', 'update', { title: 'report', done: false }],
  ['mark milk as not done', 'update', { title: 'milk', done: false }],
  ['markera mjölk som inte klar', 'update', { title: 'mjölk', done: false }],
  ['move the report to Friday', 'update', { title: 'report', due_on: '2026-11-27' }],
  ['postpone my call to Bob until 3 December', 'update', { title: 'call to Bob', due_on: '2026-12-03' }],
  ['flytta mötet till imorgon', 'update', { title: 'mötet', due_on: '2026-11-26' }],
])('"%s" is understood', (text, tool, input) => {
  expect(read(text)).toEqual({ tool: `todo_${tool}`, input });
});

test('"att" before what was done is not part of its name', () => {
  const input = { title: 'betala hyran', language: 'sv' };
  expect(read('jag är klar med att betala hyran')).toEqual({ tool: 'todo_complete', input });
});
