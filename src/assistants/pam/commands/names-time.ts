import { dateParserFor, type Language } from '../../../kit/index.ts';

/** What tells of a time, beside what chrono knows. */
const timeWords: Readonly<Record<Language, readonly RegExp[]>> = {
  en: [
    /\b(?:every|each|per|last|past|next|since|until|during|ago|earlier|recently|lately|already)\b/i,
    // "This book" is none.
    /\bthis (?:\p{L}*day|morning|afternoon|evening|night|weekend|quarter|term|season|time|may|june|july)\b/iu,
    /\bthis (?:spring|summer|autumn|fall|winter|christmas|easter)\b|\blater(?: that \p{L}+)?$/iu,
    /\b(?:daily|weekly|monthly|quarterly|yearly|annual(?:ly)?|fortnight(?:ly)?|weekdays?|noon|(?:week|month|year)s?)\b/i,
    /\b(?:so far|to date|in total|altogether|day before|other day|now$|(?:a|all|one) (?:day|night)$)/i,
    /\b(?:at|in|on|over) (?:the )?(?:holidays?|christmas|easter|new year|spring|summer|autumn|fall|winter)\b/i,
    // "Expenses for May" are of a month, though "May" is a word too.
    /(?:^(?=\S+$)|\bin )(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\b/i,
    /\bon the (?:first|second|third|\p{L}+th)$/iu,
  ],
  sv: [
    /(?<!\p{L})(?:varje|per|förra|senaste|nästa|sedan|fjol|nu|nyss|nyligen|tidigare|förr|redan|hittills|än så länge)(?!\p{L})/iu,
    /(?<!\p{L})(?:totalt|sammanlagt|(?:dag|månat|år)lig(?:en|a|t)?|veckan?|månad(?:en)?|kvartal(?:et)?|år(?:et)?)(?!\p{L})/iu,
    /(?:^|(?:i|på|under|om|hela|den) )(?:(?:mån|tis|ons|tors|fre|lör|sön|(?:för|efter)mid)?dagen|dagarna|morgonen|kvällen|natten)(?!\p{L})/iu,
    /(?<!\p{L})(?:härom\p{L}+|helgen|helgerna|i ?(?:går|dag|(?:för|efter)middag|morgon|morse|middags|kväll|natt)|i (?:mån|tis|ons|tors|fre|lör|sön)dags)(?!\p{L})/iu,
    /(?<!\p{L})i (?:jul|påsk|midsommar|vår$|sommar|höst|vinter|(?:jul|påsk|vår|somr|höst|vintr)as)(?!\p{L})/iu,
    /på (?:jul|nyårs|midsommar|påsk)(?:afton|dagen)(?!\p{L})/iu,
    /(?<=\S )(?:en dag|den \p{L}*(?:första|andra|tredje|fjärde|femte|sjätte|sjunde|onde|elfte|tolfte))$/iu,
    // "Mars" alone is sweets.
    /(?<=\S )(?:januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december)(?!\p{L})|^(?:maj|juni|juli)$/iu,
  ],
};

/** Whether a text tells of a time that was not understood: "fuel in October", "food per week". */
export function namesTime(text: string, language: Language): boolean {
  if (timeWords[language].some((pattern) => pattern.test(text))) return true;
  // "Sun" and "may" are words too.
  return dateParserFor(language)
    .parse(text)
    .some((found) => !/^\p{L}{1,4}$/u.test(found.text));
}
