import { describe, expect, test } from 'vitest';
import { commands } from './commands.ts';

const now = new Date('2026-11-22T12:00:00Z');
const read = (text: string) => commands.read({ text, now });

describe('a time that is none of the days that are understood is not part of a category:', () => {
  test.each([
    'at noon',
    'earlier',
    'early this morning',
    'recently',
    'so far',
    'in total',
    'altogether',
    'until now',
    'a day',
    'one day',
    'all day',
    'annually',
    'on weekdays',
    'this summer',
    'in summer',
    'at christmas',
    'on the first',
    'this May',
    'in May',
    'in Dec',
    'on Christmas Eve',
    'this weekend',
    'later',
    'later that day',
    'about an hour and a half ago',
    'on Black Friday',
    'on Easter Sunday',
    'every other Friday',
    'another Friday',
  ])('"… on food %s"', (time) => {
    expect(read(`spent 12 on food ${time}`)).toBeUndefined();
    expect(read(`budget 12 for food ${time}`)).toBeUndefined();
  });

  test.each([
    'i helgen',
    'under helgen',
    'i natt',
    'inatt',
    'häromdagen',
    'häromkvällen',
    'i somras',
    'i vintras',
    'i vår',
    'i jul',
    'på julafton',
    'den andra november',
    'i slutet av november',
    'den första',
    'den tjugofemte',
    'den kvällen',
    'på måndagen',
    'på kvällen',
    'om dagen',
    'dagligen',
    'hittills',
    'totalt',
    'tidigare',
    'nyligen',
    'det här kvartalet',
    'på svarta fredagen',
    'varannan fredag',
  ])('"… på mat %s"', (time) => {
    expect(read(`spenderade 12 på mat ${time}`)).toBeUndefined();
    expect(read(`budget 12 för mat ${time}`)).toBeUndefined();
  });

  test.each([
    'budget 5 euro for coffee a day',
    'my annual travel budget is 3000 euro',
    'how much did I spend on food recently?',
    'how much did I spend on food until now?',
    'hur mycket har jag lagt på mat i helgen?',
    'hur mycket har jag lagt på mat häromdagen?',
    'my expenses for may',
    'budget 300 kr för mat per månadskort',
    'spenderade 12 på mat därför en timme sedan',
    'spenderade 12 på mat därför en stund sedan',
    'spenderade 12 på mat därför 3 dagar sedan',
    'mina utgifter för maj',
  ])('"%s"', (text) => {
    expect(read(text)).toBeUndefined();
  });
});

test.each([
  'paid 50 for dinner but Anna paid me back',
  'spent 12 on lunch, not on dinner',
  'spent 12 on lunch twice',
  'spent 12 on lunch because I forgot mine',
  'spent 12 on lunch or dinner',
  'la 12 kr på lunch eller fika',
  'budget of 300 for food was exceeded',
  'budget of 300 for food will be enough',
  'la 12 kr på lunch men fick tillbaka hälften',
  'budget 300 kr för mat är för lite',
])('a category is no sentence: "%s" is not guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});

test.each([
  ['on food just now', 'food'],
  ['just now on food', 'food'],
  ['on food now', 'food'],
  ['on food a moment ago', 'food'],
])('"spent 12 %s" was today', (said, category) => {
  expect(read(`spent 12 ${said}`)?.input).toEqual({ amount: '12', category, days_ago: 0 });
});

test.each(['nyss', 'alldeles nyss', 'just nu', 'i förmiddag', 'i eftermiddag', 'i middags', 'för en stund sedan'])(
  '"spenderade 12 på mat %s" was today',
  (said) => {
    expect(read(`spenderade 12 på mat ${said}`)?.input).toEqual({ amount: '12', category: 'mat', days_ago: 0 });
  },
);

test.each<[string, object]>([
  ['how much did I spend on food so far?', { category: 'food' }],
  ['how much have I spent so far?', {}],
  ['how much have I spent in total?', {}],
  ['how much did I spend on food altogether?', { category: 'food' }],
  ['how much did I spend on food this month so far?', { category: 'food', period: 'this_month' }],
  ['how much did I spend so far this month?', { period: 'this_month' }],
  ['how much did I spend in total on food in October?', { category: 'food', from: '2026-10-01', to: '2026-10-31' }],
  ['my expenses so far', {}],
  ['hur mycket har jag lagt på mat hittills?', { category: 'mat' }],
  ['hur mycket har jag lagt på mat hittills i år?', { category: 'mat', period: 'this_year' }],
  ['hur mycket har jag spenderat totalt på mat?', { category: 'mat' }],
])('"%s" asks the same as without it', (text, input) => {
  expect(read(text)?.input).toEqual(input);
});

test.each([
  ['spent 12 on a summer dress', 'summer dress'],
  ['spent 12 on an all day breakfast', 'all day breakfast'],
  ['spent 12 on gifts for christmas', 'gifts for christmas'],
  ['spent 12 on now tv', 'now tv'],
  ["spent 12 on May's book", "May's book"],
  ['spent 12 on this book', 'this book'],
  ['spent 12 on tea and later coffee', 'tea and later coffee'],
  ['spenderade 12 på lunch på den italienska', 'lunch på den italienska'],
  ['spenderade 12 på middagen', 'middagen'],
  ['spenderade 12 på en mars', 'mars'],
  ['spenderade 12 på lunch menu', 'lunch menu'],
  ['spenderade 12 på papper', 'papper'],
  ['spenderade 12 på dagens lunch', 'dagens lunch'],
  ['spenderade 12 på persikor', 'persikor'],
  ['spenderade 12 på hår', 'hår'],
  ['spenderade 12 på årskort', 'årskort'],
  ['spenderade 12 på mörk marsipan', 'mörk marsipan'],
  ['spenderade 12 på sushi jul', 'sushi jul'],
  ['spenderade 12 på kurs i vinterbad', 'kurs i vinterbad'],
  ['spenderade 12 på mat på julaftonsmys', 'mat på julaftonsmys'],
  ['spenderade 12 på sushi morgon', 'sushi morgon'],
  ['spenderade 12 på sushi går', 'sushi går'],
  ['spenderade 12 på sushi fredags', 'sushi fredags'],
  ['spenderade 12 på sommarkläder', 'sommarkläder'],
  ['spenderade 12 på hotell för natten', 'hotell för natten'],
])('"%s" has no time in it', (text, category) => {
  expect(read(text)?.input).toEqual({ amount: '12', category });
});
