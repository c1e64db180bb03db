import { expect, test } from 'vitest';
import { commands } from './commands.ts';

const read = (text: string) => commands.read({ text, now: new Date('2026-11-22T22:30:00Z') })?.input;

test.each<[string, object]>([
  ['spent 1,000.00 on food', { amount: '1000.00' }],
  ['spent 1.234,50 on food', { amount: '1234.50' }],
  ['spent 1,2345 on food', { amount: '1.2345' }],
  ['spent 1,234,567.50 euro on food', { amount: '1234567.50', currency: 'EUR' }],
  ['la 1.234,50 kr på mat', { amount: '1234.50', currency: 'kr' }],
  ['la 1,000.00 kr på mat', { amount: '1000.00', currency: 'kr' }],
  ['la 1\u202f234,50 kr på mat', { amount: '1234.50', currency: 'kr' }],
  ['la 5:- på mat', { amount: '5', currency: 'kr' }],
  ['la 120,- kr på mat', { amount: '120', currency: 'kr' }],
  // Of kronor in some countries, of euros in others.
  ['spent 5,- on food', { amount: '5' }],
  ['spent SEK 50 on food', { amount: '50', currency: 'SEK' }],
  ['spent EUR12.50 on food', { amount: '12.50', currency: 'EUR' }],
  ['spent SEK 50 kr on food', { amount: '50', currency: 'SEK' }],
  ['spent 50 kr. on food', { amount: '50', currency: 'kr' }],
  ['bought food for USD 4', { amount: '4', currency: 'USD' }],
  ['köpte mat för kr 40', { amount: '40', currency: 'kr' }],
  // Without a verb.
  ['food 12 euro', { amount: '12', currency: 'EUR' }],
  ['food $4.50 yesterday', { amount: '4.50', currency: '$', days_ago: 1 }],
  ['mat 120 kr', { amount: '120', currency: 'kr' }],
  ['mat 50 kr igår', { amount: '50', currency: 'kr', days_ago: 1 }],
  ['mat 50:- igår', { amount: '50', currency: 'kr', days_ago: 1 }],
])('"%s" names an amount', (text, input) => {
  expect(read(text)).toEqual({ ...input, category: /mat/.test(text) ? 'mat' : 'food' });
});

test.each([
  'spent EUR 12 USD on food',
  'spent all 50 on food',
  'SPENT ALL 50 ON FOOD',
  'coffee 2 pounds',
  'spent my 50 on food',
  'spent 5-10 on food',
  'spent 5 - on food',
  'spent 10:30 on food',
  'spent 1,5,0 on food',
  'spent 1.23,50 on food',
  'spent 1.234.50 on food',
  // Were that a thousand, it would be 1.
  'spent 0,001 on food',
  // At twelve o'clock, or for twelve.
  'lunch 12',
  'lunch 12 today',
  'lunch 12 friends',
  'bought dinner for 2',
  'köpte mat för 2',
  'lunch 12 euro?',
  'lunch 12 euro tomorrow',
  'salary 3000 euro',
  // Where it was bought is not what.
  'bought at Lidl for 20 euro',
  'handlade på ICA för 230 kr',
])('in "%s" no amount that was spent is guessed at', (text) => {
  expect(read(text)).toBeUndefined();
});
