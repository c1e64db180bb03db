import type { PlainCommands, PlainOutcome } from '../../../kit/index.ts';
import type { ToldExpense } from '../expenses.ts';
import { formatMoney } from '../money.ts';
import type { Plan } from '../tools/plan-trip-day.ts';
import type { Spending, SpendingLine } from '../tools/summarize-spending.ts';
import { readCall, readCommand } from './read-command.ts';

/** What may be spent on a category in a month. */
interface Budget {
  readonly category: string;
  readonly currency: string;
  readonly amount: string;
}

/** What a tool of Pam may return. */
interface Result {
  readonly expense?: ToldExpense;
  readonly expenses?: readonly ToldExpense[];
  readonly deleted?: ToldExpense;
  readonly has_more?: boolean;
  readonly plan?: Plan;
  readonly budgets?: readonly Budget[];
  readonly budget?: { readonly category: string; readonly currency: string; readonly amount: string | null };
  readonly from?: string;
  readonly to?: string;
  readonly category?: string | null;
  readonly totals?: readonly Spending[];
  readonly lines?: readonly SpendingLine[];
}

const words = {
  en: {
    failed: 'That did not work. Check the amount and its currency; "my expenses" shows what there is.',
    nothing: (days: string, category: string | null) =>
      `Nothing was spent ${category === null ? '' : `on ${category} `}${days}.`,
    recorded: (money: string, what: string, day: string) => `Recorded: ${money} on ${what}, ${day}`,
    deleted: (money: string, what: string, day: string) => `Deleted: ${money} on ${what}, ${day}`,
    budget: (what: string, money: string) => `The budget for ${what} is ${money} a month.`,
    budgets: 'What you mean to spend in a month:',
    noBudgets: 'You have set no budget.',
    noBudget: (what: string, currency: string) => `There is no budget for ${what} in ${currency} any more.`,
    spent: (money: string, days: string) => `You spent ${money} ${days}:`,
    days: (from: string, to: string) => (from === to ? `on ${from}` : `from ${from} to ${to}`),
    plan: (day: string, place: string) => `The plan for ${day} in ${place}:`,
    more: 'There is more than this.',
    of: 'of',
    and: ' and ',
  },
  sv: {
    failed: 'Det gick inte. Kontrollera beloppet och valutan; "mina utgifter" visar vad som finns.',
    nothing: (days: string, category: string | null) =>
      `Inget har spenderats ${category === null ? '' : `på ${category} `}${days}.`,
    recorded: (money: string, what: string, day: string) => `Antecknat: ${money} på ${what}, ${day}`,
    deleted: (money: string, what: string, day: string) => `Borttaget: ${money} på ${what}, ${day}`,
    budget: (what: string, money: string) => `Budgeten för ${what} är ${money} i månaden.`,
    budgets: 'Vad du tänker lägga i månaden:',
    noBudgets: 'Du har inte satt någon budget.',
    noBudget: (what: string, currency: string) => `Det finns ingen budget för ${what} i ${currency} längre.`,
    spent: (money: string, days: string) => `Du har spenderat ${money} ${days}:`,
    days: (from: string, to: string) => (from === to ? `den ${from}` : `från ${from} till ${to}`),
    plan: (day: string, place: string) => `Planen för ${day} i ${place}:`,
    more: 'Det finns mer än så.',
    of: 'av',
    and: ' och ',
  },
} as const;

type LanguageOfWords = keyof typeof words;

/** What the user has set to be answered in, where it is known here; else the language of the command. */
function languageOf(text: string, result: unknown): LanguageOfWords {
  const { language: set = '' } = (result ?? {}) as { language?: string | null };
  return set === 'en' || set === 'sv' ? set : (readCommand(text)?.language ?? 'en');
}

function tellBudgets(budgets: readonly Budget[], language: LanguageOfWords): string {
  const said = words[language];
  if (budgets.length === 0) return said.noBudgets;
  return [said.budgets, ...budgets.map((each) => `- ${each.category}: ${formatMoney(each, language)}`)].join('\n');
}

function tellSpending({ totals = [], lines = [], from = '', to = '' }: Result, language: LanguageOfWords): string {
  const said = words[language];
  const money = (spending: Pick<Spending, 'amount' | 'currency'>) => formatMoney(spending, language);
  const limit = ({ budget: amount, currency }: SpendingLine): string =>
    amount === null ? '' : ` ${said.of} ${money({ amount, currency })}`;
  const tellLine = (line: SpendingLine) => `- ${line.month} ${line.category}: ${money(line)}${limit(line)}`;
  const spent = said.spent(totals.map(money).join(said.and), said.days(from, to));
  return [spent, ...lines.map(tellLine)].join('\n');
}

function tell({ text, result }: PlainOutcome): string {
  const language = languageOf(text, result);
  const said = words[language];
  const money = (spending: Pick<Spending, 'amount' | 'currency'>) => formatMoney(spending, language);
  const told = (result ?? {}) as Result;
  const { expense, deleted, expenses, budget, budgets, from = '', to = '', totals, plan, category: only = null } = told;
  if (expense !== undefined) return said.recorded(money(expense), expense.category, expense.spent_on);
  if (deleted !== undefined) return said.deleted(money(deleted), deleted.category, deleted.spent_on);
  if (budget !== undefined) {
    const { category, currency, amount } = budget;
    return amount === null ? said.noBudget(category, currency) : said.budget(category, money({ amount, currency }));
  }
  if (plan !== undefined) {
    const { day, place, stops } = plan;
    return [said.plan(day, place), ...stops.map(({ at, what }) => `- ${at} ${what}`)].join('\n');
  }
  const more = told.has_more ? `\n${said.more}` : '';
  if (budgets !== undefined) return tellBudgets(budgets, language) + more;
  const found = totals ?? expenses;
  if (found === undefined) return said.failed;
  if (found.length === 0) return said.nothing(said.days(from, to), only);
  if (expenses === undefined) return tellSpending(told, language) + more;
  return expenses.map((each) => `- ${each.spent_on} ${each.category}: ${money(each)}`).join('\n') + more;
}

/** What Pam understands without a model, in English and Swedish. */
export const commands: PlainCommands = {
  read: readCall,
  tell,
  examples: [
    'spent 12.50 euro on fuel yesterday',
    'how much did I spend this month?',
    'what did I spend on fuel last week?',
    'my expenses this week',
    'budget 300 euro for food',
    'what is my budget?',
    'jag spenderade 120 kr på mat igår',
    'hur mycket har jag spenderat den här månaden?',
    'budget 3 000 kr för mat',
  ],
};
