import type { PlainCommands, PlainOutcome } from '../../../kit/index.ts';
import type { Item } from '../schemas.ts';
import { readCall, readCommand } from './read-command.ts';

/** What a tool of the list may return. */
interface Result {
  readonly item?: Item;
  readonly items?: readonly Item[];
  readonly candidates?: readonly Item[];
}

const words = {
  en: {
    failed: 'That did not work. "What is on my list?" shows what there is.',
    empty: 'There is nothing on your list.',
    several: 'Several items fit; say more of the title:',
    due: (day: string) => ` (due ${day})`,
    done: { todo_add: 'Added', todo_complete: 'Done', todo_delete: 'Deleted' },
  },
  sv: {
    failed: 'Det gick inte. "Vad har jag att göra?" visar vad som finns.',
    empty: 'Det finns inget på din lista.',
    several: 'Flera saker stämmer; säg mer av namnet:',
    due: (day: string) => ` (till ${day})`,
    done: { todo_add: 'Tillagt', todo_complete: 'Klart', todo_delete: 'Borttaget' },
  },
} as const;

function tell({ text, tool, result }: PlainOutcome): string {
  const said = words[readCommand(text)?.language ?? 'en'];
  const name = ({ title, due_on }: Item): string => title + (due_on === null ? '' : said.due(due_on));
  const list = (items: readonly Item[]): string => items.map((item) => `- ${name(item)}`).join('\n');
  const { item, items, candidates } = (result ?? {}) as Result;
  if (items !== undefined) return items.length === 0 ? said.empty : list(items);
  if (candidates !== undefined) return `${said.several}\n${list(candidates)}`;
  if (item === undefined) return said.failed;
  return `${said.done[tool as keyof typeof said.done]}: ${name(item)}`;
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
