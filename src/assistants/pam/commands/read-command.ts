import type { PlainCall, PlainText } from '../../../kit/index.ts';
import { readAmount } from './read-amount.ts';
import { readDay } from './read-day.ts';
import { type Language, readPeriod } from './read-period.ts';

/** What a sentence asks for. */
interface Command {
  readonly language: Language;
  readonly verb: 'spend' | 'budget' | 'sum' | 'list';
  /** What comes after the verb, as the user said it. */
  readonly what: string;
}

type Rule = readonly [Command['verb'], RegExp];

/** Each in full: a sentence that only begins like a command may ask for anything. */
const rules: Readonly<Record<Language, readonly Rule[]>> = {
  en: [
    ['sum', /^(?:how much|what) (?:did i spend|have i spent)(?<what> .*)?$/],
    ['list', /^(?:(?:show|list)(?: me)? )?my expenses(?<what> .*)?$/],
    ['spend', /^(?:i(?:'ve| have)? )?(?:spent|paid) (?<what>.+)$/],
    ['budget', /^(?:set )?(?:a |my )?budget (?:of )?(?<what>.+ (?:for|on) .+)$/],
  ],
  sv: [
    ['sum', /^(?:hur mycket|vad) (?:har jag (?:spenderat|lagt|betalat)|spenderade jag|la(?:de)? jag)(?<what> .*)?$/],
    ['list', /^(?:(?:visa|lista) )?mina (?:utgifter|köp)(?<what> .*)?$/],
    ['spend', /^(?:jag )?(?:har )?(?:spenderat|spenderade|betalat|betalade|lagt|la|lade) (?<what>.+)$/],
    ['budget', /^(?:sätt )?(?:en |min )?budget (?:på )?(?<what>.+ (?:för|på|till) .+)$/],
  ],
};

/** What a category is said after. */
const joints = { en: /^(?:on|for) (?:the |my )?/i, sv: /^(?:på|för|till) /i };

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const said = text
    .trim()
    .replaceAll('’', "'")
    .replace(/\s+/g, ' ')
    .replace(/[.!?]+$/, '');
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(said);
      if (found !== null) return { language, verb, what: found.groups?.what?.trim() ?? '' };
    }
  }
  return undefined;
}

/** A category as a sentence has it: after "on" or "for", or else nothing at all. Undefined when it cannot be one. */
function readCategory(text: string, language: Language): { category?: string } | undefined {
  if (text === '') return {};
  const category = text.replace(joints[language], '').trim();
  // Digits are of a date or an amount that was not understood.
  const isOne = category !== text && /^\D{1,50}$/.test(category);
  return isOne ? { category } : undefined;
}

function readAmountFor({ what, language }: Command, now: Date) {
  const found = readAmount(what, language);
  if (found === undefined) return undefined;
  const when = readDay(found.rest, now, language);
  const { category } = (when && readCategory(when.rest, language)) ?? {};
  if (when === undefined || category === undefined) return undefined;
  const { amount, currency } = found;
  return { input: { amount, ...(currency !== undefined && { currency }), category }, ...when };
}

/** The days and the category that a question is about. Undefined when more is said than that. */
function readQuestion({ what, language }: Command, now: Date): Record<string, unknown> | undefined {
  const { period, rest } = readPeriod(what, language);
  if (period !== undefined) {
    const only = readCategory(rest, language);
    return only && { ...only, period };
  }
  const named = readDay(rest, now, language);
  // Days ago are counted where the user lives, by the tool that records; none of those that read takes them.
  if (named === undefined || named.daysAgo !== undefined) return undefined;
  const only = readCategory(named.rest, language);
  return only && { ...only, ...(named.day !== undefined && { from: named.day, to: named.day }) };
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  if (command.verb === 'sum' || command.verb === 'list') {
    const input = readQuestion(command, now);
    return input && { tool: command.verb === 'sum' ? 'pam_summarize_spending' : 'pam_list_expenses', input };
  }
  const found = readAmountFor(command, now);
  if (found === undefined) return undefined;
  const { input, daysAgo, day } = found;
  if (command.verb === 'budget') {
    return day === undefined && daysAgo === undefined ? { tool: 'pam_set_budget', input } : undefined;
  }
  const when = { ...(daysAgo !== undefined && { days_ago: daysAgo }), ...(day !== undefined && { spent_on: day }) };
  return { tool: 'pam_create_expense', input: { ...input, ...when } };
}
