import { type Language, type PlainCall, type PlainText, withoutGreetings, withoutThanks } from '../../../kit/index.ts';
import { namesTime } from './names-time.ts';
import { readAmount } from './read-amount.ts';
import { readBetween } from './read-between.ts';
import { type DayAndRest, readDay } from './read-day.ts';
import { readMonth, readPeriod } from './read-period.ts';

/** What a sentence asks for. */
interface Command {
  readonly language: Language;
  readonly verb: 'spend' | 'budget' | 'budgets' | 'sum' | 'list';
  /** What comes after the verb, as the user said it. */
  readonly what: string;
  /** The category, where it was said before the amount. */
  readonly category?: string;
  /** "Lunch 12" may be at twelve o'clock, and "bought lunch for 2" for two people: only a currency makes it an expense. */
  readonly isBrief: boolean;
}

type Rule = readonly [Command['verb'], RegExp];

/** Each in full: a sentence that only begins like a command may ask for anything. */
const rules: Readonly<Record<Language, readonly Rule[]>> = {
  en: [
    ['sum', /^(?:how much|what) (?:did i spend|have i(?: already)? spent)(?<what> .*)?$/],
    [
      'list',
      /^(?:(?:show|list)(?: me)? )?(?:my )?expenses(?: for(?= (?:this|(?:the )?(?:last|past)) (?:\d+ )?(?:day|week|month|year)s?\b))?(?<what> .*)?$/,
    ],
    ['spend', /^(?:i(?:'ve| have)? )?(?:just )?(?:spent|paid) (?<what>.+)$/],
    [
      'spend',
      /^(?:i(?:'ve| have)? )?(?:just )?bought (?:an? |the |some |my )?(?<brief>(?!(?:at|from|in) )\D+?) for (?<what>(?:[€$£¥]|[a-z]{2,3} )?\d.*)$/,
    ],
    // Only what is bought: "salary 3000 euro" was not spent. Pounds may be a weight, and kronor are told in Swedish.
    [
      'spend',
      /^(?<brief>breakfast|lunch|dinner|coffee|tea|drinks|food|groceries|fuel|petrol|gas|parking|taxi|bus|train|cinema) (?<what>(?!.*(?:\bpounds?\b|\bkr\b|:-))[€$£¥]?\d.*)$/,
    ],
    ['budgets', /^(?:(?:what(?:'?s| is| are) |(?:show|list) (?:me )?))?my (?:\S+ ){0,2}budgets?(?: (?:for|on) \D+)?$/],
    ['budget', /^(?:set )?(?:a |my )?(?:monthly )?budget (?:of )?(?<what>.+ (?:for|on) .+)$/],
    [
      'budget',
      // Not "raise my food budget": only what sets or is one, of a category.
      /^(?:set (?:my |our |the |an? )?|my |our |the )(?:monthly )?(?!(?:my|our|the|an?|new|total|whole|overall) )(?<category>(?:(?! (?:my|budget) )\D)+) budget (?:to|is) (?<what>.+)$/,
    ],
  ],
  sv: [
    [
      'sum',
      /^(?:hur mycket|vad) (?:har jag (?:redan )?(?:spenderat|lagt|betalat|gjort av med)|spenderade jag|la(?:de)? jag)(?<what> .*)?$/,
    ],
    [
      'list',
      /^(?:(?:visa|lista) )?(?:mina (?:utgifter|köp)|utgifter)(?: för(?= (?:den(?: här| senaste)|denna|förra|de senaste|senaste) (?:\d+ )?(?:dag|veck|månad|år)))?(?<what> .*)?$/,
    ],
    [
      'spend',
      /^(?:jag )?(?:har )?(?:just |precis )?(?:spenderat|spenderade|betalat|betalade|lagt|la|lade) (?<what>.+)$/,
    ],
    [
      'spend',
      /^(?:jag )?(?:har )?(?:just |precis )?(?:handlat|handlade|köpt|köpte) (?:en |ett |lite )?(?<brief>(?!(?:på|hos|i) )\D+?) för (?<what>(?:kr )?\d.*)$/,
    ],
    ['spend', /^(?<brief>frukost|lunch|middag|fika|kaffe|mat|bensin|parkering|buss|tåg|bio) (?<what>\d.*)$/],
    [
      'budgets',
      /^(?:(?:vad är|visa) )?(?:min|mina) \S*budget(?:en|ar)?(?: för \D+)?$|^(?:vilken|vad har jag för) budget(?: har jag)?(?: för \D+)?$/,
    ],
    ['budget', /^(?:sätt )?(?:en |min )?budget (?:på )?(?<what>.+ (?:för|på|till) .+)$/],
  ],
};

/** A budget is for a month, said or not. */
const MONTHLY = / (?:a|per|each|every) month\b| (?:i månaden|per månad)(?!\p{L})/iu;

/** What a category is said after. */
const joints = {
  en: /^(?:on|for) (?:the |my |our |an? |some )?/i,
  sv: /^(?:på|för|till) (?:en |ett |min |mitt |mina |vår |vårt |våra )?/i,
};

/** What a question about spending is the same without. */
const soFar = {
  en: /(?<!\S)(?:so far|to date|in total|altogether|already)(?!\S)/gi,
  sv: /(?<!\S)(?:hittills|än så länge|totalt|sammanlagt|redan)(?!\S)/gi,
};

/** Said around what is meant, and not part of it. */
const PLEASE = /^(?:please |snälla )+/i;

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const said = text
    .trim()
    .replaceAll(/[’‘´`]/g, "'")
    .replace(/\s+/g, ' ');
  const sentence = withoutThanks(withoutGreetings(said).replace(PLEASE, ''));
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(sentence);
      if (found === null) continue;
      const { what = '', brief, category = brief } = found.groups ?? {};
      // "I spent 12 on fuel?" asks; to record it would be to guess.
      if ((verb === 'spend' || verb === 'budget') && said.endsWith('?')) return undefined;
      const isBrief = brief !== undefined;
      return { language, verb, what, isBrief, ...(category !== undefined && { category }) };
    }
  }
  return undefined;
}

/** A category as a sentence has it: after "on" or "for", or else nothing at all. Undefined when it cannot be one. */
function readCategory(text: string, language: Language): { category?: string } | undefined {
  if (text === '') return {};
  const category = text.replace(joints[language], '');
  return category !== text && isCategory(category, language) ? { category } : undefined;
}

/** Words that make a sentence of those before them: "dinner but Anna paid me back", "food was exceeded". */
const SAYS_MORE =
  /(?<=\P{L})(?:is|was|were|are|has|had|should|would|will be|but|not|twice|or|if|because|maybe|perhaps|är|var|blev|borde|ska|men|inte|två gånger|eller|jag|eftersom|kanske)(?!\p{L})/iu;

/** What every category is part of, or none is, or only who heard it knows. */
const NO_CATEGORY =
  /^(?:everything|anything|nothing|all|average|it|this|that|allt|allting|inget|ingenting|det|detta)$/iu;

/** Digits, and words that tell of a time, are of a date or an amount that was not understood. */
function isCategory(text: string, language: Language): boolean {
  return (
    /^(?=.*[\p{L}\p{S}])[^\d?]{1,50}$/u.test(text) &&
    !NO_CATEGORY.test(text) &&
    !SAYS_MORE.test(text) &&
    !namesTime(text, language)
  );
}

function readAmountFor({ what, category: said, language, isBrief }: Command, now: Date) {
  const found = readAmount(what, language);
  const when = found && readDay(found.rest, now, language);
  if (found === undefined || when === undefined) return undefined;
  const isSaid = said !== undefined && when.rest === '' && isCategory(said, language);
  const { category } = isSaid ? { category: said } : (readCategory(when.rest, language) ?? {});
  if (category === undefined || (said !== undefined && !isSaid)) return undefined;
  const { amount, currency } = found;
  if (isBrief && currency === undefined) return undefined;
  return { input: { amount, ...(currency !== undefined && { currency }), category }, ...when };
}

/** Takes two dates or a month off the end of what a user said. */
const readSpan = (text: string, now: Date, language: Language) =>
  readBetween(text, now, language) ?? readMonth(text, now, language);

/** What is asked, with the days behind the category: "last month on food" asks the same as "on food last month". */
function toUsualOrder(what: string, now: Date, language: Language): string {
  const [, days = '', category] = /^(.+?) +((?:on|på) .+)$/iu.exec(what) ?? [];
  const isDays = readPeriod(days, language).rest === '' || readSpan(days, now, language).rest === '';
  return category !== undefined && isDays ? `${category} ${days}` : what;
}

/** The days and the category that a question is about. Undefined when more is said than that. */
function readQuestion({ what: said, language }: Command, now: Date): Record<string, unknown> | undefined {
  const what = toUsualOrder(said.replace(soFar[language], '').trim(), now, language);
  const { days, rest } = readPeriod(what, language);
  if (days !== undefined) {
    const only = readCategory(rest, language);
    return only && { ...only, ...days };
  }
  const dates = readSpan(what, now, language);
  const named: DayAndRest | undefined = dates.span === undefined ? readDay(rest, now, language) : { rest: dates.rest };
  // Days ago are counted where the user lives, by the tool that records; none of those that read takes them.
  if (named === undefined || named.daysAgo !== undefined) return undefined;
  const only = readCategory(named.rest, language);
  return only && { ...only, ...dates.span, ...(named.day !== undefined && { from: named.day, to: named.day }) };
}

/** A day as the tool that records what was spent takes it. */
function toTold({ daysAgo, hoursAgo, weekday, day }: DayAndRest): Record<string, unknown> {
  return {
    ...(daysAgo !== undefined && { days_ago: daysAgo }),
    ...(hoursAgo !== undefined && { hours_ago: hoursAgo }),
    ...(weekday !== undefined && { weekday }),
    ...(day !== undefined && { spent_on: day }),
  };
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  if (command.verb === 'sum' || command.verb === 'list') {
    const input = readQuestion(command, now);
    return input && { tool: command.verb === 'sum' ? 'pam_summarize_spending' : 'pam_list_expenses', input };
  }
  const { verb, what } = command;
  if (verb === 'budgets') return { tool: 'pam_list_budgets', input: {} };
  const found = readAmountFor(verb === 'budget' ? { ...command, what: what.replace(MONTHLY, '') } : command, now);
  if (found === undefined) return undefined;
  const { input, daysAgo, day } = found;
  if (command.verb === 'budget') {
    return day === undefined && daysAgo === undefined ? { tool: 'pam_set_budget', input } : undefined;
  }
  return { tool: 'pam_create_expense', input: { ...input, ...toTold(found) } };
}
