import type { Language } from '../../../kit/index.ts';
import { isSignOf } from '../money.ts';

/** An amount at the start of a text, and what follows it. */
export interface AmountAndRest {
  /** As the tools take it: "1200.50". */
  readonly amount: string;
  /** Absent when none was said. */
  readonly currency?: string;
  readonly rest: string;
}

/** How currencies are said. "kr", "$", "£" and "¥" are of several, among which the tools choose. */
const said: readonly (readonly [string, RegExp])[] = [
  ['EUR', /^(?:€|eur|euros?)$/i],
  ['$', /^(?:\$|dollars?)$/i],
  ['£', /^(?:£|pounds?|pund)$/i],
  ['kr', /^(?:kr|kronor|krona)$/i],
  ['¥', /^¥$/],
  ['JPY', /^(?:jpy|yen)$/i],
  ['USD', /^usd$/i],
  ['GBP', /^gbp$/i],
  ['SEK', /^sek$/i],
  ['NOK', /^nok$/i],
  ['DKK', /^dkk$/i],
];

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** "€5", "SEK 50", "1 200,50 kr", "5:-". In front not every code: "SPENT ALL 50" names no lek. */
const AMOUNT_FIRST =
  /^(?<sign>[€$£¥]|eur|usd|gbp|jpy|kr|sek|nok|dkk)?\s?(?<number>\d{1,3}(?:[ \u00a0]\d{3})+(?:[.,]\d{1,4})?|\d+(?:[.,]\d+)*)(?<even>[:,.][-–])?\s?(?<unit>[€$£¥]|[a-z]+)?(?<rest>.*)$/i;

/** Thousands that are told from the decimals by another mark: "1.234,50". */
const MARKED = /^\d{1,3}([.,])\d{3}(?:\1\d{3})*(?!\1)[.,]\d{1,2}$/;

/** The code or the sign of a currency as it is said; undefined for any other word. */
function readCurrency(word: string): string | undefined {
  const [code] = said.find(([, pattern]) => pattern.test(word)) ?? [];
  // Other codes only in capitals: in small letters "all" and "top" are words.
  return code ?? (currencies.has(word) ? word : undefined);
}

/** What is meant by what stands before a number and behind it: the code of the two. Undefined for two currencies. */
function joinCurrencies(before: string, behind: string): string | undefined {
  if (before === behind) return behind;
  return [behind, before].find((code) => currencies.has(code) && isSignOf(code === behind ? before : behind, code));
}

/** A number with a point; undefined for what may be one number or another. */
function readNumber(text: string, language: Language): string | undefined {
  const spaced = text.replace(/[ \u00a0]/g, '');
  const [, mark = ''] = MARKED.exec(spaced) ?? [];
  const joined = spaced.replaceAll(mark, '');
  const plain = language === 'en' ? joined.replace(/,(?=\d{3}(?!\d))/g, '') : joined;
  const number = plain.replace(',', '.');
  return /^(?:0|[1-9]\d{0,12})(?:\.\d{1,4})?$/.test(number) ? number : undefined;
}

/**
 * Reads the amount that a text begins with: "12.50 euro on fuel", "€5 for tea", "1 200 kr på mat", "SEK 50 on tea". Undefined
 * also for one in two currencies: "€12 USD".
 */
export function readAmount(text: string, language: Language): AmountAndRest | undefined {
  const { sign = '', number = '', even, unit = '', rest = '' } = AMOUNT_FIRST.exec(text)?.groups ?? {};
  const amount = readNumber(number, language);
  const before = readCurrency(sign);
  if (amount === undefined) return undefined;
  const written = readCurrency(unit);
  const isBoth = before !== undefined && written !== undefined;
  const joined = isBoth ? joinCurrencies(before, written) : (written ?? before);
  if (isBoth && joined === undefined) return undefined;
  // Only Swedes write "5:-", and only of kronor.
  const currency = joined ?? (language === 'sv' && even !== undefined ? 'kr' : undefined);
  return {
    amount,
    ...(currency !== undefined && { currency }),
    rest: (written === undefined ? unit + rest : rest.replace(/^\./, '')).trim(),
  };
}
