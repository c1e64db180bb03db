import type { Language } from './read-period.ts';

/** An amount at the start of a text, and what follows it. */
export interface AmountAndRest {
  /** As the tools take it: "1200.50". */
  readonly amount: string;
  /** Absent when none was said. */
  readonly currency?: string;
  readonly rest: string;
}

/** How currencies are said; "kr" is the Swedish one. */
const said: readonly (readonly [string, RegExp])[] = [
  ['EUR', /^(?:€|eur|euros?)$/i],
  ['USD', /^(?:\$|usd|dollars?)$/i],
  ['GBP', /^(?:£|gbp|pounds?|pund)$/i],
  ['JPY', /^(?:¥|jpy|yen)$/i],
  ['SEK', /^(?:kr|sek|kronor|krona)$/i],
  ['NOK', /^nok$/i],
  ['DKK', /^dkk$/i],
];

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** "€5", "SEK 50", "1 200,50 kr", "5:-". In front not every code: "SPENT ALL 50" names no lek. */
const amountFirst =
  /^(?<sign>[€$£¥]|eur|usd|gbp|jpy|kr|sek|nok|dkk)?\s?(?<number>\d{1,3}(?:[ \u00a0]\d{3})+(?:[.,]\d{1,4})?|\d+(?:[.,]\d+)*)(?<even>[:,.][-–])?\s?(?<unit>[€$£¥]|[a-z]+)?(?<rest>.*)$/i;

/** Thousands that are told from the decimals by another mark: "1.234,50". */
const marked = /^\d{1,3}([.,])\d{3}(?:\1\d{3})*(?!\1)[.,]\d{1,2}$/;

/** The code of a currency as it is said; undefined for any other word. */
function readCurrency(word: string): string | undefined {
  const [code] = said.find(([, pattern]) => pattern.test(word)) ?? [];
  // Other codes only in capitals: in small letters "all" and "top" are words.
  return code ?? (currencies.has(word) ? word : undefined);
}

/** Whether a sign stands for a currency: "$" does for several. */
function isSignOf(sign: string, currency: string): boolean {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
  return format.formatToParts(0).some(({ type, value }) => type === 'currency' && value === sign);
}

/** A number with a point; undefined for what may be one number or another. */
function readNumber(text: string, language: Language): string | undefined {
  const spaced = text.replace(/[ \u00a0]/g, '');
  const [, mark = ''] = marked.exec(spaced) ?? [];
  const joined = spaced.replaceAll(mark, '');
  const plain = language === 'en' ? joined.replace(/,(?=\d{3}(?!\d))/g, '') : joined;
  const number = plain.replace(',', '.');
  return /^\d{1,13}(?:\.\d{1,4})?$/.test(number) ? number : undefined;
}

/**
 * Reads the amount that a text begins with: "12.50 euro on fuel", "€5 for tea", "1 200 kr på mat", "SEK 50 on tea". Undefined
 * also for one in two currencies: "€12 USD".
 */
export function readAmount(text: string, language: Language): AmountAndRest | undefined {
  const { sign = '', number = '', even, unit = '', rest = '' } = amountFirst.exec(text)?.groups ?? {};
  const amount = readNumber(number, language);
  const before = readCurrency(sign);
  if (amount === undefined) return undefined;
  const written = readCurrency(unit);
  if (sign !== '' && written !== undefined && written !== before && !isSignOf(sign, written)) return undefined;
  // Swedes write "5:-" of kronor alone.
  const currency = written ?? before ?? (language === 'sv' && even !== undefined ? 'SEK' : undefined);
  return {
    amount,
    ...(currency !== undefined && { currency }),
    rest: (written === undefined ? unit + rest : rest.replace(/^\./, '')).trim(),
  };
}
