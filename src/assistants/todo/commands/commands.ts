import type { Language, PlainCommands, PlainOutcome } from '../../../kit/index.ts';
import type { Item } from '../schemas.ts';
import { readCall, readCommand } from './read-command.ts';

/** What a tool of the list may return. */
interface Result {
  readonly item?: Item;
  readonly items?: readonly Item[];
  readonly has_more?: boolean;
  readonly candidates?: readonly Item[];
}

const words = {
  en: {
    failed: 'That did not work. "What is on my list?" shows what there is.',
    missed: (what: string) =>
      `That did not work. Is “${what}” on your list, and not done yet? "What is on my list?" shows what there is.`,
    empty: 'There is nothing on your list.',
    emptyThen: 'Nothing on your list is due by then.',
    none: 'There is nothing of that kind on your list.',
    more: 'There is more than this.',
    several: 'Several items fit. Say it again with more of the title, or with the day:',
    due: (day: string) => `due ${day}`,
    done: { todo_add: 'Added', todo_complete: 'Done', todo_update: 'Changed', todo_delete: 'Deleted' },
    reopened: 'Open again',
  },
  sv: {
    failed: 'Det gick inte. "Vad har jag att göra?" visar vad som finns.',
    missed: (what: string) =>
      `Det gick inte. Finns ”${what}” på din lista, och är det inte redan klart? "Vad har jag att göra?" visar vad som finns.`,
    empty: 'Det finns inget på din lista.',
    emptyThen: 'Inget på din lista ska vara klart till dess.',
    none: 'Det finns inget sådant på din lista.',
    more: 'Det finns mer än så.',
    several: 'Flera saker stämmer. Säg det igen med mer av namnet, eller med dagen:',
    due: (day: string) => `till ${day}`,
    done: { todo_add: 'Tillagt', todo_complete: 'Klart', todo_update: 'Ändrat', todo_delete: 'Borttaget' },
    reopened: 'Öppet igen',
  },
} as const;

/** What is said of how much an item matters, where that is not as usual. */
const priorities: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: { high: 'high priority', low: 'low priority' },
  sv: { high: 'hög prioritet', low: 'låg prioritet' },
};

type Words = (typeof words)[keyof typeof words];

/** What is said of a list without items. */
function tellNone(said: Words, what: string | undefined): string {
  // A list that a model asked for may be of anything, such as of what is done.
  if (what === undefined) return said.none;
  // What is said of a list beside that it is asked for, is a day.
  return what === '' ? said.empty : said.emptyThen;
}

function tell({ text, tool, result }: PlainOutcome): string {
  const { language = 'en', verb, what } = readCommand(text) ?? {};
  const said: Words = words[language];
  const name = ({ title, due_on, priority }: Item): string => {
    const more = [due_on && said.due(due_on), priorities[language][priority]].filter(Boolean).join(', ');
    return more === '' ? title : `${title} (${more})`;
  };
  const list = (items: readonly Item[]): string => items.map((item) => `- ${name(item)}`).join('\n');
  const { item, items, has_more = false, candidates } = (result ?? {}) as Result;
  if (items?.length === 0) return tellNone(said, what);
  if (items !== undefined) return has_more ? `${list(items)}\n${said.more}` : list(items);
  if (candidates !== undefined) return `${said.several}\n${list(candidates)}`;
  // Mostly it was not found, but why a tool failed is not known here.
  if (item === undefined)
    return what !== undefined && (verb === 'complete' || verb === 'delete') ? said.missed(what) : said.failed;
  const done = verb === 'reopen' ? said.reopened : said.done[tool as keyof typeof said.done];
  return `${done}: ${name(item)}`;
}

/** What the list understands without a model, in English and Swedish. */
export const commands: PlainCommands = {
  read: readCall,
  tell,
  examples: [
    'add buy milk for tomorrow',
    'what is on my list?',
    'done with milk',
    'delete milk',
    'lägg till köp mjölk imorgon',
    'vad har jag att göra?',
    'klar med mjölk',
  ],
};
