import { pamErrors } from './errors.ts';

/** As much as one expense or budget may be, in minor units; thousands of them still add up exactly in 64 bits. */
export const MAX_AMOUNT_MINOR = 1_000_000_000_000;

/** The codes of ISO 4217 that the runtime knows. */
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/**
 * The minor units of ISO 4217 (list one of 2024-06-25) where the runtime has others: it takes them from CLDR, which has as
 * many digits as people still write. With fewer than those of ISO, "12.50" is refused, and 1250 is read as a hundredfold.
 */
const isoDigits: Readonly<Record<string, number>> = {
  ...{ AFN: 2, ALL: 2, COP: 2, HUF: 2, IDR: 2, IQD: 3, IRR: 2, KPW: 2 },
  ...{ LAK: 2, LBP: 2, MGA: 2, MMK: 2, PKR: 2, SOS: 2, SYP: 2, YER: 2 },
};

/** How many digits a currency has after the point: 2 for EUR, 0 for JPY, 3 for KWD. */
function digitsOf(currency: string): number {
  const digits = isoDigits[currency];
  if (digits !== undefined) return digits;
  const options = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
  return options.maximumFractionDigits ?? 0;
}

/**
 * A currency that exists.
 * @throws AppError 400 `pam.unknown_currency`.
 */
export function knownCurrency(currency: string): string {
  if (!currencies.has(currency)) throw pamErrors.raise.unknown_currency({ param: 'currency' });
  return currency;
}

/** Whether a sign stands for a currency: "kr" and "$" do for several. */
export function isSignOf(sign: string, currency: string): boolean {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return format.formatToParts(0).some(({ type, value }) => type === 'currency' && value === sign);
}

/** What the signs of several currencies stand for, when not for the user's own. */
const usual: Readonly<Record<string, string>> = { kr: 'SEK', $: 'USD', '£': 'GBP', '¥': 'JPY' };

/**
 * The currency that a user means by a code or a sign: the user's own, where it has that sign or nothing was said.
 * @throws AppError 400 `pam.unknown_currency`.
 */
export function meantCurrency(said: string | undefined, own: string): string {
  return said === undefined || isSignOf(said, own) ? own : knownCurrency(usual[said] ?? said);
}

/**
 * An amount in minor units: "12.50" EUR is 1250. Read digit by digit, so nothing is rounded.
 * @throws AppError 400 `pam.bad_amount` when the currency has no such amount.
 */
export function toMinor(amount: string, currency: string): number {
  const [whole = '', fraction = ''] = amount.split('.');
  const digits = digitsOf(currency);
  const amountMinor = Number(whole + fraction.padEnd(digits, '0'));
  // "1.200" EUR may well be meant as 1200.
  if (fraction.length > digits || !(amountMinor > 0 && amountMinor <= MAX_AMOUNT_MINOR)) {
    const most = toDecimal(MAX_AMOUNT_MINOR, currency);
    throw pamErrors.raise.bad_amount({ digits, currency, most }, { param: 'amount' });
  }
  return amountMinor;
}

/** An amount as people write it, with a point: 1250 EUR is "12.50". A sum may be given as text, of any size. */
export function toDecimal(amountMinor: number | string, currency: string): string {
  const digits = digitsOf(currency);
  const text = String(amountMinor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** An amount as it is read in a language: "12.50" EUR is "12,50 €" in Swedish. */
export function formatMoney({ amount, currency }: { amount: string; currency: string }, language: string): string {
  const digits = digitsOf(currency);
  const options = {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  } as const;
  // Given as text, it is formatted exactly.
  return new Intl.NumberFormat(language, options).format(amount as `${number}`);
}
