import { describe, expect, test } from 'vitest';
import { commands } from './commands.ts';

// A Wednesday.
const now = new Date('2026-11-25T13:30:00Z');
const read = (text: string, at = now) => commands.read({ text, now: at })?.input;

describe('a time may be said before what to be reminded of:', () => {
  test.each<[string, string, string | undefined]>([
    ['remind me tomorrow at 9 to call the dentist', 'call the dentist at 9', '2026-11-26'],
    ['remind me on Monday morning to call Bob', 'call Bob in the morning', '2026-11-30'],
    ['remind me on 3 December to call Bob', 'call Bob', '2026-12-03'],
    ['remind me next week to call mom', 'call mom', '2026-12-02'],
    // Not a day that is known: the words stay.
    ['remind me on payday to pay rent', 'pay rent on payday', undefined],
    ['remind me at 5pm to call mom', 'call mom at 5pm', undefined],
    ['remind me in 2 hours to take out the pizza', 'take out the pizza in 2 hours', undefined],
    ['remind me every Friday to call mom', 'call mom every Friday', undefined],
    ['påminn mig imorgon kl 9 att ringa mamma', 'ringa mamma kl 9', '2026-11-26'],
    ['påminn mig den 3 december att ringa mamma', 'ringa mamma', '2026-12-03'],
    ['påminn mig på lönedagen att betala hyran', 'betala hyran på lönedagen', undefined],
    ['kan du påminna mig om att ringa mamma imorgon?', 'ringa mamma', '2026-11-26'],
  ])('"%s"', (text, title, day) => {
    expect(read(text)).toEqual({ title, ...(day !== undefined && { due_on: day }) });
  });

  test.each([
    'remind me on the way to work to call mom',
    'remind me before going to town to lock the door',
    'remind me at 5 to 6 to call mom',
    'remind me at the entrance to the park to call',
  ])('"%s" is not guessed at', (text) => {
    expect(read(text)).toBeUndefined();
  });
});

test.each([
  'call mom every other Friday',
  'call mom another Friday',
  'ring mamma någon fredag',
  'gym except Friday',
  'call mom on the first Monday',
  'church on Easter Sunday',
  'shopping on Black Friday',
  'call mom this weekend',
  'träna utom fredag',
  'städa varannan fredag',
])('"%s" is not due on the next day of that name', (title) => {
  expect(read(`add ${title}`)).toEqual({ title });
  expect(read(`lägg till ${title}`)).toEqual({ title });
});

test.each([
  ['buy iPhone 15 tomorrow', 'buy iPhone 15', '2026-11-26'],
  ['pay 5.30 on Friday', 'pay 5.30', '2026-11-27'],
  ['buy size 12, tomorrow', 'buy size 12', '2026-11-26'],
  ['read pages 10-12 on 3 December', 'read pages 10-12', '2026-12-03'],
  ['call Bob 17:00 tomorrow', 'call Bob at 17:00', '2026-11-26'],
  ['call Bob 5pm tomorrow', 'call Bob at 17:00', '2026-11-26'],
  ['call Bob 5 pm tomorrow', 'call Bob at 17:00', '2026-11-26'],
  ['call Bob on 12 December at 9:15', 'call Bob at 9:15', '2026-12-12'],
])('a number before a day is an hour only where that is said: "add %s"', (said, title, day) => {
  expect(read(`add ${said}`)).toEqual({ title, due_on: day });
});

test.each<[string, string, string | undefined]>([
  ['call Bob tomorrow night', 'call Bob at night', '2026-11-26'],
  ['call Bob tomorrow before 5pm', 'call Bob before 17:00', '2026-11-26'],
  ['call Bob before 7:30 tomorrow', 'call Bob before 7:30 tomorrow', undefined],
  ['call Bob on Friday after 7:30', 'call Bob after 7:30', '2026-11-27'],
  ['call Bob by 5pm tomorrow', 'call Bob by 17:00', '2026-11-26'],
  ['rest until tomorrow morning', 'rest until the morning', '2026-11-26'],
  ['call Bob - tomorrow', 'call Bob', '2026-11-26'],
  // Words that end like those after which it is not due on that day.
  ['see the doctor Friday', 'see the doctor', '2026-11-27'],
  ['dress baby 5pm tomorrow', 'dress baby at 17:00', '2026-11-26'],
  ['visit Blythe 5 March', 'visit Blythe', '2027-03-05'],
  ['call my mother Friday', 'call my mother', '2026-11-27'],
  ['call Bob this coming Friday', 'call Bob', '2026-11-27'],
  ['holiday starting Friday', 'holiday starting Friday', undefined],
  // Chrono's weeks end on Saturday.
  ['report by end of next week', 'report by end of next week', undefined],
  ['report by end of next month', 'report', '2026-12-31'],
])('what is said around a day stays, and no more: "add %s"', (said, title, day) => {
  expect(read(`add ${said}`)).toEqual({ title, ...(day !== undefined && { due_on: day }) });
});

test.each(['möte nu på fredag', 'möte för fredag', 'möte – fredag'])('"lägg till %s"', (said) => {
  expect(read(`lägg till ${said}`)).toEqual({ title: 'möte', due_on: '2026-11-27' });
});

test.each<[string, string, string | undefined]>([
  ['städa boden 3/4', 'städa boden', '2027-04-03'],
  ['städa om en vecka', 'städa', '2026-12-02'],
  ['beställ sushi kväll', 'beställ sushi kväll', undefined],
  ['gå i kvällsskolan på fredag', 'gå i kvällsskolan', '2026-11-27'],
])('"lägg till %s" is "%s" on %s', (said, title, day) => {
  expect(read(`lägg till ${said}`)).toEqual({ title, ...(day !== undefined && { due_on: day }) });
});

test('what was due today may be done', () => {
  expect(read('klar med jobbet för idag')).toEqual({
    ...{ title: 'jobbet', full_title: 'jobbet för idag' },
    language: 'sv',
  });
});

test('"i nästa vecka" is a week from now', () => {
  expect(read('lägg till betala hyran i nästa vecka')).toEqual({ title: 'betala hyran', due_on: '2026-12-02' });
});

test('a week that a list is asked for ends on its Sunday', () => {
  const sunday = new Date('2026-11-29T10:00:00Z');
  const these = ['this week?', 'this weekend?', 'on the weekend?'].map((when) => `what do I have to do ${when}`);
  for (const text of [...these, 'vad har jag att göra den här veckan?', 'vad har jag att göra i helgen?']) {
    expect([text, read(text), read(text, sunday)]).toEqual([text, { due_to: '2026-11-29' }, { due_to: '2026-11-29' }]);
  }
  for (const text of [
    "what's on my list for next week?",
    "what's on my list for next weekend?",
    'vad har jag att göra nästa vecka?',
  ]) {
    expect([text, read(text), read(text, sunday)]).toEqual([text, { due_to: '2026-12-06' }, { due_to: '2026-12-06' }]);
  }
});

describe('a priority may be said behind what to add:', () => {
  test.each<[string, object]>([
    ['add call Bob, high priority', { title: 'call Bob', priority: 'high' }],
    ['add pay rent on 24 December with high priority', { title: 'pay rent', due_on: '2026-12-24', priority: 'high' }],
    ['add pay rent with a low priority for tomorrow', { title: 'pay rent', due_on: '2026-11-26', priority: 'low' }],
    ['remind me tomorrow to call Bob, high priority', { title: 'call Bob', due_on: '2026-11-26', priority: 'high' }],
    ['lägg till ring mamma imorgon med hög prioritet', { title: 'ring mamma', due_on: '2026-11-26', priority: 'high' }],
    ['add meet customers with high priority needs', { title: 'meet customers with high priority needs' }],
    ['add decide on a high priority', { title: 'decide on a high priority' }],
  ])('"%s"', (text, input) => {
    expect(read(text)).toEqual(input);
  });

  test('the answer says it', () => {
    const item = { title: 'ring Bob', due_on: '2026-12-24', priority: 'high' };
    const told = (text: string) => commands.tell({ text, tool: 'todo_add', result: { item } });
    expect(told('add ring Bob')).toBe('Added: ring Bob (due 2026-12-24, high priority)');
    expect(told('lägg till ring Bob')).toBe('Tillagt: ring Bob (till 2026-12-24, hög prioritet)');
  });
});
