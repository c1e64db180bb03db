import { describe, expect, test } from 'vitest';
import { commands } from './commands.ts';

// A Sunday.
const now = new Date('2026-11-22T22:30:00Z');
const read = (text: string) => commands.read({ text, now });

describe('is understood as an expense:', () => {
  test.each<[string, object]>([
    ['spent 12.50 euro on fuel yesterday', { amount: '12.50', currency: 'EUR', category: 'fuel', days_ago: 1 }],
    ['Spent 12.50 on fuel yesterday.', { amount: '12.50', category: 'fuel', days_ago: 1 }],
    ['I spent €12 on lunch', { amount: '12', currency: 'EUR', category: 'lunch' }],
    ['I’ve paid $5 for coffee today', { amount: '5', currency: 'USD', category: 'coffee', days_ago: 0 }],
    ['I´ve paid $5 for coffee today', { amount: '5', currency: 'USD', category: 'coffee', days_ago: 0 }],
    ['I just spent 12 on coffee', { amount: '12', category: 'coffee' }],
    ['I’ve just paid 12 for coffee', { amount: '12', category: 'coffee' }],
    ['I just bought lunch for €12', { amount: '12', currency: 'EUR', category: 'lunch' }],
    ['jag har just betalat 45 kr för kaffe', { amount: '45', currency: 'SEK', category: 'kaffe' }],
    ['jag har precis köpt lunch för 45 kr', { amount: '45', currency: 'SEK', category: 'lunch' }],
    ['spenderade 99 på bio igår kväll', { amount: '99', category: 'bio', days_ago: 1 }],
    ['paid 1,200.50 SEK for the train', { amount: '1200.50', currency: 'SEK', category: 'train' }],
    ['spent 1 250 yen on tea on 5 March', { amount: '1250', currency: 'JPY', category: 'tea', spent_on: '2026-03-05' }],
    ['spent 3.5 KWD on tea 3 days ago', { amount: '3.5', currency: 'KWD', category: 'tea', days_ago: 3 }],
    ['spent 12 yesterday on fuel', { amount: '12', category: 'fuel', days_ago: 1 }],
    ['spent 12 euros on a taxi', { amount: '12', currency: 'EUR', category: 'taxi' }],
    ['spent 12 euros on sun cream', { amount: '12', currency: 'EUR', category: 'sun cream' }],
    ['paid 5 eur for coffee this morning', { amount: '5', currency: 'EUR', category: 'coffee', days_ago: 0 }],
    ['spent 9 TRY on tea last night', { amount: '9', currency: 'TRY', category: 'tea', days_ago: 1 }],
    ['betalade 45 sek för kaffe i morse', { amount: '45', currency: 'SEK', category: 'kaffe', days_ago: 0 }],
    ['spent 80 on fuel on Friday', { amount: '80', category: 'fuel', days_ago: 0, weekday: 'friday' }],
    ['spent 80 on fuel last Friday', { amount: '80', category: 'fuel', days_ago: 1, weekday: 'friday' }],
    ['spent 80 on fuel on Friday at 5pm', { amount: '80', category: 'fuel', days_ago: 0, weekday: 'friday' }],
    ['spent 80 on fuel yesterday at 5pm', { amount: '80', category: 'fuel', days_ago: 1 }],
    ['spent 80 on fuel on 2026-11-03', { amount: '80', category: 'fuel', spent_on: '2026-11-03' }],
    ['jag spenderade 120 kr på mat igår', { amount: '120', currency: 'SEK', category: 'mat', days_ago: 1 }],
    [
      'Jag har betalat 1 200,50 kronor för tåget i dag',
      { ...{ amount: '1200.50', currency: 'SEK' }, category: 'tåget', days_ago: 0 },
    ],
    ['la 12,5 euro på kaffe i förrgår', { amount: '12.5', currency: 'EUR', category: 'kaffe', days_ago: 2 }],
    ['spenderade 99 på bio i fredags', { amount: '99', category: 'bio', days_ago: 1, weekday: 'friday' }],
    ['spenderade 99 på bio i söndags', { amount: '99', category: 'bio', days_ago: 1, weekday: 'sunday' }],
    ['spenderade 99 på bio för 3 dagar sedan', { amount: '99', category: 'bio', days_ago: 3 }],
    ['spent 80 on fuel on Monday', { amount: '80', category: 'fuel', days_ago: 0, weekday: 'monday' }],
    ['spent 80 on fuel the day before yesterday', { amount: '80', category: 'fuel', days_ago: 2 }],
    ['spent 80 on fuel on 31 December', { amount: '80', category: 'fuel', spent_on: '2025-12-31' }],
    // Where it is 23 November already, it was spent today.
    ['spent 80 on fuel on 23 November', { amount: '80', category: 'fuel', spent_on: '2026-11-23' }],
    ['I bought lunch for €12 yesterday', { amount: '12', currency: 'EUR', category: 'lunch', days_ago: 1 }],
    ['jag handlade mat för 230 kr igår', { amount: '230', currency: 'SEK', category: 'mat', days_ago: 1 }],
    ['spenderade 99 på bio den 5/3', { amount: '99', category: 'bio', spent_on: '2026-03-05' }],
    ['spenderade 99 på bio den 1:a november', { amount: '99', category: 'bio', spent_on: '2026-11-01' }],
    ['spenderade 99 på bio måndagen den 16 november', { amount: '99', category: 'bio', spent_on: '2026-11-16' }],
    ['spent 80 on fuel on Sunday 28 December', { amount: '80', category: 'fuel', spent_on: '2025-12-28' }],
    ['spenderade 99 på bio den 5 mars', { amount: '99', category: 'bio', spent_on: '2026-03-05' }],
    ['spent 80 on fuel the 5th of March', { amount: '80', category: 'fuel', spent_on: '2026-03-05' }],
    ['spent 80 on fuel on the 5th of March', { amount: '80', category: 'fuel', spent_on: '2026-03-05' }],
    ['betalade 500 kr på fridag', { amount: '500', currency: 'SEK', category: 'fridag' }],
    ['betalade 500 kr på skidag', { amount: '500', currency: 'SEK', category: 'skidag' }],
    ['betalade 50 kr för min lunch', { amount: '50', currency: 'SEK', category: 'lunch' }],
    ['spent 12 on lunch, please', { amount: '12', category: 'lunch' }],
    ['ok spent 12 on lunch pls', { amount: '12', category: 'lunch' }],
    ['hej, la 12 kr på lunch', { amount: '12', currency: 'SEK', category: 'lunch' }],
    // The sign of several currencies.
    ['spent $12 CAD on lunch', { amount: '12', currency: 'CAD', category: 'lunch' }],
    ['spent $12 AUD on lunch', { amount: '12', currency: 'AUD', category: 'lunch' }],
    ['spent $12 USD on lunch', { amount: '12', currency: 'USD', category: 'lunch' }],
    ['spent ¥12 CNY on lunch', { amount: '12', currency: 'CNY', category: 'lunch' }],
    ['spent €12 euro on lunch', { amount: '12', currency: 'EUR', category: 'lunch' }],
  ])('"%s"', (text, input) => {
    expect(read(text)).toEqual({ tool: 'pam_create_expense', input });
  });
});

test.each<[string, string, object]>([
  ['my expenses this week', 'list_expenses', { period: 'this_week' }],
  ['visa mina utgifter förra månaden', 'list_expenses', { period: 'last_month' }],
  ['budget 300 euro for food', 'set_budget', { amount: '300', currency: 'EUR', category: 'food' }],
  ['my expenses for last month', 'list_expenses', { period: 'last_month' }],
  ['my expenses for lunch', 'list_expenses', { category: 'lunch' }],
  ['show expenses', 'list_expenses', {}],
  ['visa utgifter', 'list_expenses', {}],
  ['hur mycket har jag gjort av med idag?', 'summarize_spending', { period: 'today' }],
  ['my expenses in october', 'list_expenses', { from: '2026-10-01', to: '2026-10-31' }],
  ['set a budget of 300 eur a month for food', 'set_budget', { amount: '300', currency: 'EUR', category: 'food' }],
  ['set my food budget to 300 eur', 'set_budget', { amount: '300', currency: 'EUR', category: 'food' }],
  ['what is my budget?', 'list_budgets', {}],
  ["what's my monthly food budget?", 'list_budgets', {}],
  ['my budget for food', 'list_budgets', {}],
  ['show my budgets', 'list_budgets', {}],
  ['vad är min budget?', 'list_budgets', {}],
  ['mina budgetar', 'list_budgets', {}],
  ['vilken budget har jag för mat?', 'list_budgets', {}],
  ['set a budget of 50 for coffee', 'set_budget', { amount: '50', category: 'coffee' }],
  ['sätt en budget på 3 000 kr för mat', 'set_budget', { amount: '3000', currency: 'SEK', category: 'mat' }],
  ['my expenses last 30 days', 'list_expenses', { last_days: 30 }],
  ['mina utgifter de senaste 30 dagarna', 'list_expenses', { last_days: 30 }],
  ['please set my food budget to 300', 'set_budget', { amount: '300', category: 'food' }],
  ['set my monthly food budget to 300', 'set_budget', { amount: '300', category: 'food' }],
  ['set eating out budget to 300', 'set_budget', { amount: '300', category: 'eating out' }],
  ['my food budget is 300', 'set_budget', { amount: '300', category: 'food' }],
  ['budget 300 for our food', 'set_budget', { amount: '300', category: 'food' }],
  ['budget 300 kr för min mat, tack', 'set_budget', { amount: '300', currency: 'SEK', category: 'mat' }],
])('"%s" is understood', (text, tool, input) => {
  expect(read(text)).toEqual({ tool: `pam_${tool}`, input });
});

test.each([
  'hello',
  'spent',
  'spent a lot on fuel',
  'spent 12.50',
  'spent 1.2.3 on fuel',
  'spent -5 on fuel',
  'spent 12 doubloons on fuel',
  'how much did I spend 3 days ago?',
  'what did I spend with Anna in Rome?',
  'what did I spend with Anna on food?',
  'what did I spend this month on Friday?',
  'budget',
  'budget 300 for food yesterday',
  'spent 12 euro on fuel tomorrow',
  'spent 12 euro on fuel on 31 February',
  'spent 12 for 3 of us',
  'I spent 12 on fuel?',
  'spent 12 on fuel on 2027-01-01',
  'spent 12 on fuel last week',
  'spent 12 on fuel last month',
  'spent 12 on fuel in October',
  'spent 12 on fuel next Friday',
  'spent 12 on fuel on next Friday',
  'spent 12 on fuel this Sunday',
  'spent 12 on fuel Friday last week',
  // A day of the week with another one's date.
  'spent 12 on fuel on Monday 17 November',
  'spent 12 on fuel Monday yesterday',
  'betalade 12 kr för bensin måndagen den 17 november',
  'spent 12 on fuel Monday to Friday',
  'how much did I spend on Friday?',
  'budget 300 for food on Friday',
  'budget 300 for food 2 hours ago',
  'how much did I spend on food 2 hours ago?',
  'spent 12 on fuel every month',
  'spent 12 on food on 3/12',
  'spent 12 on the train today and yesterday',
  'bought lunch for 12 euro for Anna',
  'bought 2 coffees for 5 euro',
  'how much did I spend since Monday?',
  'how much did I spend between 1 and 5 November?',
  'set a budget of 300 for food per week',
  'budget 300 for food in December',
  'my budget is 300',
  'betalade 12 kr för bensin på fredag',
  'betalade 12 kr för bensin förra veckan',
  'betalade 12 kr för bensin i maj',
  'betalade 12 kr för bensin i morgon',
  'betalade 12 kr för bensin i övermorgon',
  // More than a day.
  'spent 12 on lunch last 2 days',
  'spent 12 on lunch in the last 7 days',
  'spent 12 on lunch past week',
  'spent 12 on lunch last 24 hours',
  'spent 12 on lunch last weekend',
  'spent 12 on lunch over the weekend',
  'how much did I spend last 2 weeks?',
  'how much did I spend last few days?',
  'how much did I spend last 0 days?',
  'betalade 12 kr för lunch senaste 2 dagarna',
  'betalade 12 kr för lunch de senaste dagarna',
  'betalade 12 kr för lunch senaste veckan',
  // Budgets of nothing that was named.
  'set my budget to 300',
  'set budget to 300',
  'set the budget to 300',
  'set my total budget to 300',
  'set a total budget to 300',
  'set a new budget to 300',
  'set my monthly budget to 300',
  'the total budget is 300',
  'sätt min budget till 300',
  // Other things that are said of budgets.
  "don't set my food budget to 300",
  'do not set my food budget to 300',
  'please don’t set my food budget to 300',
  'increase my food budget to 300',
  'raise food budget to 300',
  'increase budget to 300',
  'what is my food budget to 300',
  'what food budget is 300',
  'set my food budget to 300?',
  'set my food budget and my fuel budget to 300',
  'sätt inte en budget på 300 kr för mat',
  // One currency or another.
  'spent €12 USD on lunch',
  'spent $12 EUR on lunch',
  'spent £12 dollars on lunch',
  'spent $12€ on lunch',
  // A day, or days, on one side of what was named.
  'spent 12 on lunch before 5 november',
  'spent 12 on lunch before yesterday',
  'spent 12 on lunch since friday',
  'spent 12 on food for today',
  'spent 12 on lunch earlier today',
  'spent 12 on lunch the other day',
  'how much did I spend on food until yesterday?',
  'how much did I spend on food before 5 november?',
  'how much did I spend on food during this week?',
  'betalade 500 kr för biljett till 5 december',
  'betalade 500 kr för biljett till den 5 december',
  'betalade 500 kr för biljett före igår',
  'hur mycket har jag lagt på mat innan förra veckan?',
  'hej',
  '',
])('"%s" is not guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});

test('every example is understood', () => {
  expect(commands.examples.filter((text) => read(text) === undefined)).toEqual([]);
});

describe('what came of it is told in the language that is set, else that of the command:', () => {
  const expense = { amount: '12.50', currency: 'EUR', category: 'fuel', spent_on: '2026-11-21' };
  const spent = { amount: '12.50', currency: 'EUR', expenses: 1 };
  const line = { ...spent, month: '2026-11', category: 'fuel', budget: '300.00' };
  const days = { from: '2026-11-01', to: '2026-11-30' };

  test.each<[string, unknown, string]>([
    ['spent 12.50 on fuel', { expense }, 'Recorded: €12.50 on fuel, 2026-11-21'],
    ['spent 12.50 on fuel', { expense, language: 'sv' }, 'Antecknat: 12,50 € på fuel, 2026-11-21'],
    ['spenderade 12,50 på fuel', { expense, language: 'en' }, 'Recorded: €12.50 on fuel, 2026-11-21'],
    ['spenderade 12,50 på fuel', { expense, language: 'de' }, 'Antecknat: 12,50 € på fuel, 2026-11-21'],
    ['spenderade 12,50 på fuel', { expense }, 'Antecknat: 12,50 € på fuel, 2026-11-21'],
    [
      'how much did I spend?',
      { ...days, totals: [spent, { ...spent, currency: 'JPY', amount: '1250' }], lines: [line] },
      'You spent €12.50 and ¥1,250 from 2026-11-01 to 2026-11-30:\n- 2026-11 fuel: €12.50 of €300.00',
    ],
    [
      'how much did I spend?',
      { ...days, totals: [spent], lines: [line], has_more: true },
      'You spent €12.50 from 2026-11-01 to 2026-11-30:\n- 2026-11 fuel: €12.50 of €300.00\nThere is more than this.',
    ],
    ['how much did I spend?', { ...days, totals: [], lines: [] }, 'Nothing was spent from 2026-11-01 to 2026-11-30.'],
    [
      'hur mycket har jag spenderat?',
      { ...days, to: days.from, totals: [spent], lines: [{ ...line, budget: null }] },
      'Du har spenderat 12,50 € den 2026-11-01:\n- 2026-11 fuel: 12,50 €',
    ],
    ['my expenses', { ...days, expenses: [expense] }, '- 2026-11-21 fuel: €12.50'],
    [
      'how much did I spend on tea and cake?',
      { ...days, category: 'tea and cake', totals: [], lines: [] },
      'Nothing was spent on tea and cake from 2026-11-01 to 2026-11-30.',
    ],
    [
      'mina utgifter på te',
      { ...days, category: 'te', expenses: [] },
      'Inget har spenderats på te från 2026-11-01 till 2026-11-30.',
    ],
    ['my expenses', { ...days, expenses: [] }, 'Nothing was spent from 2026-11-01 to 2026-11-30.'],
    [
      'my expenses',
      { ...days, expenses: [expense], has_more: true },
      '- 2026-11-21 fuel: €12.50\nThere is more than this.',
    ],
    [
      'hmm',
      { plan: { day: '2026-12-01', place: 'Rome', stops: [{ at: '09:30', what: 'Forum', minutes: 90 }], clashes: [] } },
      'The plan for 2026-12-01 in Rome:\n- 09:30 Forum',
    ],
    ['budget 300 for food', { budget: { ...expense, amount: '300.00' } }, 'The budget for fuel is €300.00 a month.'],
    [
      'what is my budget?',
      { budgets: [{ ...expense, amount: '300.00' }], has_more: false },
      'What you mean to spend in a month:\n- fuel: €300.00',
    ],
    ['vad är min budget?', { budgets: [], has_more: false }, 'Du har inte satt någon budget.'],
    ['budget 0 för mat', { budget: { ...expense, amount: null } }, 'Det finns ingen budget för fuel i EUR längre.'],
    [
      'hur mycket har jag spenderat?',
      undefined,
      'Det gick inte. Kontrollera beloppet och valutan; "mina utgifter" visar vad som finns.',
    ],
  ])('%s', (text, result, told) => {
    expect(commands.tell({ text, tool: 'any', result }).replaceAll('\u00a0', ' ')).toBe(told);
  });
});
