import type { PlainCall, PlainText } from '../../../kit/index.ts';
import { type Language, readDay } from './read-day.ts';

/** What a sentence asks for. */
export interface Command {
  readonly language: Language;
  readonly verb: 'add' | 'list' | 'complete' | 'delete';
  /** What it is about, as the user said it. */
  readonly what: string;
}

type Rule = readonly [Command['verb'], RegExp];

/** Each in full: a sentence that only begins like a command may ask for anything. */
const rules: Readonly<Record<Language, readonly Rule[]>> = {
  en: [
    [
      'list',
      /^(?:what(?:'s| is) (?:on|in) my (?:todo )?list|what do i have to do|(?:show|list)(?: me)? my (?:todo )?(?:list|items|todos)|my (?:todo )?list)(?<what> .*)?$/,
    ],
    [
      'complete',
      /^(?:(?:i'?m |i am )?done with|i(?:'ve| have) (?:done|finished)|finished|complete|check off|tick off|done:) (?<what>.+)$/,
    ],
    ['complete', /^mark (?<what>.+?) (?:as )?(?:done|complete|completed)$/],
    ['complete', /^(?!(?:what|it|that|this|all|everything)\b)(?<what>.+) (?:is|are) (?:done|finished)$/],
    ['delete', /^(?:delete|remove) (?<what>.+?)(?: from (?:my|the) (?:todo )?list)?$/],
    ['add', /^(?:add|remind me to|remember to) (?<what>.+)$/],
  ],
  sv: [
    [
      'list',
      /^(?:vad har jag att göra|vad (?:ska|måste) jag göra|vad (?:står|finns) på (?:min lista|listan)|visa (?:min lista|listan)|min lista)(?<what> .*)?$/,
    ],
    ['complete', /^(?:(?:jag är )?(?:klar|färdig) med|jag har gjort|bocka av) (?<what>.+)$/],
    ['complete', /^(?!(?:vad|det|den|allt)\b)(?<what>.+) är (?:klar|klart|klara|färdig|färdigt|färdiga|gjort)$/],
    ['delete', /^(?:ta bort|radera|stryk) (?<what>.+?)(?: från (?:min lista|listan))?$/],
    ['add', /^(?:lägg till|skriv upp|påminn mig om att|kom ihåg att) (?<what>.+)$/],
  ],
};

/** Said around what is meant, and not part of it. */
const onTheList = /\s+(?:to|on) (?:my|the) (?:todo )?list\b|\s+(?:på|i) (?:min lista|listan)\b/i;
const articles = /^(?:the|my|a|an|min|mitt|mina|den|det)\s+/i;

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const said = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[.!?]+$/, '')
    .replace(/^(?:please|snälla) /i, '');
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(said.replaceAll('’', "'"));
      if (found !== null) return { language, verb, what: found.groups?.what?.trim() ?? '' };
    }
  }
  return undefined;
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  const { language, verb, what } = command;
  if (verb === 'complete' || verb === 'delete') {
    return { tool: `todo_${verb}`, input: { title: what.replace(articles, '') } };
  }
  const { day, rest } = readDay(what, now, language);
  const title = rest.replace(onTheList, '').trim();
  if (verb === 'list') {
    // More words than a day narrow the list in a way that is not understood.
    return title === '' ? { tool: 'todo_list', input: day === null ? {} : { due_to: day } } : undefined;
  }
  return title === '' ? undefined : { tool: 'todo_add', input: { title, ...(day !== null && { due_on: day }) } };
}
