import { expect, test } from 'vitest';
import { formatMoney, knownCurrency, MAX_AMOUNT_MINOR, meantCurrency, toDecimal, toMinor } from './money.ts';

test.each([
  ['12.50', 'EUR', 1250],
  ['12.5', 'EUR', 1250],
  ['12', 'EUR', 1200],
  ['0.01', 'EUR', 1],
  ['0.29', 'EUR', 29],
  ['1250', 'JPY', 1250],
  ['1.250', 'KWD', 1250],
  ['12.50', 'HUF', 1250],
  ['1.250', 'IQD', 1250],
  ['10000000000.00', 'EUR', MAX_AMOUNT_MINOR],
])('%s %s is %i in minor units, to the digit', (amount, currency, minor) => {
  expect(toMinor(amount, currency)).toBe(minor);
});

test.each([
  ['12.505', 'EUR'],
  ['1.200', 'EUR'],
  ['1250.00', 'JPY'],
  ['12.5', 'JPY'],
  ['1.2505', 'KWD'],
  ['1.2505', 'IQD'],
  ['0', 'EUR'],
  ['0.00', 'EUR'],
  ['10000000000.01', 'EUR'],
])('%s %s is no amount', (amount, currency) => {
  expect(() => toMinor(amount, currency)).toThrow(expect.objectContaining({ code: 'pam.bad_amount', param: 'amount' }));
});

test.each([
  ['10000000000.01', 'EUR', '10000000000.00 EUR'],
  ['9999999999999', 'JPY', '1000000000000 JPY'],
])('of %s %s the most that there may be is told: %s', (amount, currency, most) => {
  expect(() => toMinor(amount, currency)).toThrow(`at most ${most}`);
});

test.each([
  [1250, 'EUR', '12.50'],
  [5, 'EUR', '0.05'],
  [1250, 'JPY', '1250'],
  [1250, 'KWD', '1.250'],
  [1250, 'COP', '12.50'],
  ['900719925474099312', 'EUR', '9007199254740993.12'],
])('%s of %s is written %s', (minor, currency, amount) => {
  expect(toDecimal(minor, currency)).toBe(amount);
});

test.each(['EUR', 'SEK', 'JPY', 'KWD'])('%s is a currency', (currency) => {
  expect(knownCurrency(currency)).toBe(currency);
});

test.each([
  [undefined, 'NOK', 'NOK'],
  ['kr', 'NOK', 'NOK'],
  ['kr', 'DKK', 'DKK'],
  ['kr', 'EUR', 'SEK'],
  ['$', 'AUD', 'AUD'],
  ['$', 'SEK', 'USD'],
  ['£', 'EUR', 'GBP'],
  ['¥', 'CNY', 'CNY'],
  ['¥', 'EUR', 'JPY'],
  ['SEK', 'NOK', 'SEK'],
])('%s means, to whom counts in %s, %s', (said, own, meant) => {
  expect(meantCurrency(said, own)).toBe(meant);
});

test.each(['EUX', 'ABC'])('%s is none', (currency) => {
  expect(() => knownCurrency(currency)).toThrow(expect.objectContaining({ code: 'pam.unknown_currency' }));
});

test.each([
  ['12.50', 'COP', 'COP 12.50'],
  ['12.50', 'EUR', '€12.50'],
  ['1.250', 'IQD', 'IQD 1.250'],
  ['1250', 'JPY', '¥1,250'],
])('%s of %s is read as %s: all that was counted is said', (amount, currency, text) => {
  expect(formatMoney({ amount, currency }, 'en').replaceAll('\u00a0', ' ')).toBe(text);
});

test('sums beyond what a number holds are shown exactly', () => {
  expect(formatMoney({ amount: '9007199254740993.12', currency: 'EUR' }, 'en')).toBe('€9,007,199,254,740,993.12');
});
