import { pamErrors } from './errors.ts';

/** As much as one expense or budget may be, in minor units; thousands of them still add up exactly in 64 bits. */
export const maxAmountMinor = 1_000_000_000_000;

/** The codes of ISO 4217 that the runtime knows. */
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** How many digits a currency has after the point: 2 for EUR, 0 for JPY, 3 for KWD. */
function digitsOf(currency: string): number {
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

/**
 * An amount in minor units: "12.50" EUR is 1250. Read digit by digit, so nothing is rounded.
 * @throws AppError 400 `pam.bad_amount` when the currency has no such amount.
 */
export function toMinor(amount: string, currency: string): number {
  const [whole = '', fraction = ''] = amount.split('.');
  const digits = digitsOf(currency);
  const amountMinor = Number(whole + fraction.padEnd(digits, '0'));
  // "1.200" EUR may well be meant as 1200.
  if (fraction.length > digits || !(amountMinor > 0 && amountMinor <= maxAmountMinor)) {
    throw pamErrors.raise.bad_amount({ digits, currency }, { param: 'amount' });
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
  // Given as text, it is formatted exactly.
  return new Intl.NumberFormat(language, { style: 'currency', currency }).format(amount as `${number}`);
}
