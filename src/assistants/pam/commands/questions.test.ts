import { expect, test } from 'vitest';
import { commands } from './commands.ts';

// A Sunday.
const now = new Date('2026-11-22T22:30:00Z');
const read = (text: string) => commands.read({ text, now });

test.each<[string, object]>([
  ['how much did I spend this month?', { period: 'this_month' }],
  ['How much have I spent?', {}],
  ['how much have I already spent this month?', { period: 'this_month' }],
  ['hur mycket har jag redan spenderat den här månaden?', { period: 'this_month' }],
  ['how much did I spend last month on food?', { period: 'last_month', category: 'food' }],
  ['how much did I spend this month so far on food?', { period: 'this_month', category: 'food' }],
  ['how much did I spend the last 7 days on food?', { last_days: 7, category: 'food' }],
  ['what did I spend in October on food?', { from: '2026-10-01', to: '2026-10-31', category: 'food' }],
  ['hur mycket spenderade jag förra månaden på mat?', { period: 'last_month', category: 'mat' }],
  ['what did I spend on fuel last week?', { period: 'last_week', category: 'fuel' }],
  ['how much did I spend on fuel on 5 March?', { category: 'fuel', from: '2026-03-05', to: '2026-03-05' }],
  ['how much did I spend in November?', { from: '2026-11-01', to: '2026-11-30' }],
  ['how much did I spend on food in December?', { category: 'food', from: '2025-12-01', to: '2025-12-31' }],
  ['what did I spend in February 2028?', { from: '2028-02-01', to: '2028-02-29' }],
  ['hur mycket har jag spenderat i november?', { from: '2026-11-01', to: '2026-11-30' }],
  ['hur mycket har jag spenderat den här månaden?', { period: 'this_month' }],
  ['vad spenderade jag på mat förra veckan?', { period: 'last_week', category: 'mat' }],
  ['hur mycket la jag på mat igår', { period: 'yesterday', category: 'mat' }],
  ['hur mycket har jag lagt på mat i år?', { period: 'this_year', category: 'mat' }],
  ['how much did I spend last 7 days', { last_days: 7 }],
  ['how much did I spend on food in the last 7 days?', { last_days: 7, category: 'food' }],
  ['what did I spend on food the past week?', { last_days: 7, category: 'food' }],
  ['hur mycket har jag spenderat senaste 7 dagarna?', { last_days: 7 }],
  ['vad spenderade jag på mat under de senaste 30 dagarna', { last_days: 30, category: 'mat' }],
  ['hur mycket har jag lagt på mat den senaste veckan?', { last_days: 7, category: 'mat' }],
  // Words that end or begin like those that lead on to a day, or say so far.
  ['how much did I spend on bacon this week?', { period: 'this_week', category: 'bacon' }],
  ['hur mycket har jag lagt på sushi förra veckan?', { period: 'last_week', category: 'sushi' }],
  ['hur mycket har jag lagt på totaltransporter?', { category: 'totaltransporter' }],
  // Two dates, both included.
  ['what did I spend between 2026-11-01 and 2026-11-15?', { from: '2026-11-01', to: '2026-11-15' }],
  [
    'how much did I spend on food from 1 November to 15 November?',
    { from: '2026-11-01', to: '2026-11-15', category: 'food' },
  ],
  [
    'how much did I spend from 1 November until 15 November on food?',
    { from: '2026-11-01', to: '2026-11-15', category: 'food' },
  ],
  [
    'hur mycket har jag spenderat på food mellan den 1 november och den 15 november?',
    { from: '2026-11-01', to: '2026-11-15', category: 'food' },
  ],
  ['hur mycket spenderade jag från 20 december till 6 januari?', { from: '2025-12-20', to: '2026-01-06' }],
  [
    'what did I spend on bread from Aldi from 1 November to 15 November?',
    { from: '2026-11-01', to: '2026-11-15', category: 'bread from Aldi' },
  ],
  ['how much did I spend on the train from Oslo to Bergen?', { category: 'train from Oslo to Bergen' }],
  // A month is asked for before it is over.
  ['how much did I spend from 2026-11-01 to 2026-11-30?', { from: '2026-11-01', to: '2026-11-30' }],
])('"%s" is understood as a question', (text, input) => {
  expect(read(text)).toEqual({ tool: 'pam_summarize_spending', input });
});

test('the expenses between two dates are listed', () => {
  const call = { tool: 'pam_list_expenses', input: { from: '2026-11-01', to: '2026-11-15' } };
  expect(read('my expenses between 2026-11-01 and 2026-11-15')).toEqual(call);
  expect(read('visa mina utgifter mellan 1 november och 15 november')).toEqual(call);
});

test.each([
  // The month of that name which has begun, though where each day begins first the next one has too.
  ['2026-11-30T23:59:00Z', 'in December', '2025-12-01', '2025-12-31'],
  ['2026-12-01T00:00:00Z', 'in December', '2026-12-01', '2026-12-31'],
  ['2026-12-31T23:59:00Z', 'in January', '2026-01-01', '2026-01-31'],
  ['2027-01-01T00:00:00Z', 'in January', '2027-01-01', '2027-01-31'],
  ['2027-01-01T00:00:00Z', 'in December', '2026-12-01', '2026-12-31'],
  // The first of December already where each day begins first.
  ['2026-11-30T10:00:00Z', 'on 1 December', '2026-12-01', '2026-12-01'],
  ['2026-11-30T09:59:59Z', 'on 1 December', '2025-12-01', '2025-12-01'],
])('at %s, what was spent %s is that from %s to %s', (...[at, when, from, to]) => {
  const call = commands.read({ text: `how much did I spend ${when}?`, now: new Date(at) });
  expect(call?.input).toEqual({ from, to });
});

test.each([
  // A number that is part of a name, and no hour: the name would be another without it.
  'spent 900 on iphone 15 yesterday',
  'spent 80 on size 12 on Friday',
  'how much did I spend on blast 7 days?',
  // No category: "nothing was spent on everything" would be false, and such a budget would never be used.
  'how much did I spend on everything?',
  'what have I spent on all this month?',
  'hur mycket har jag lagt på allt i november?',
  'budget 300 euro for everything',
  'how much did I spend on average?',
  // None that exists, the later one first, and days that may be others.
  'how much did I spend between 2026-02-01 and 2026-02-30?',
  'how much did I spend between 2026-11-15 and 2026-11-01?',
  'how much did I spend between Monday and Friday?',
  'how much did I spend from 3/11 to 4/11?',
  'what did I spend on it?',
  'budget 300 euro for :',
  'I spent 12 on fuel? Thanks',
])('"%s" is not guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});
