import type { PlainCall, PlainText } from '../../../kit/index.ts';
import { type Language, readDay, toDay } from './read-day.ts';

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
      /^(?:what(?:'s| is) (?:on|in) my (?:todo )?list|what (?:do i have to|do i need to|should i) do|(?:show|list)(?: me)? (?:my|the) (?:todo )?(?:list|items|todos|tasks)|what are my (?:todos|tasks)|what(?:'s| is) left(?: to do| on (?:my|the) (?:todo )?list)?|my (?:todo )?list)(?<what> .*)?$/,
    ],
    [
      'complete',
      /^(?:(?:i'?m |i am )?(?:done|finished) with|i(?:'ve| have) (?:done|finished)|(?:i )?finished|complete|check off|tick off|done:) (?<what>.+)$/,
    ],
    ['complete', /^mark (?<what>.+?) (?:as )?(?:done|complete|completed)$/],
    ['complete', /^(?!what\b)(?<what>.+) (?:is|are) (?:done|finished)$/],
    ['delete', /^(?:delete|remove) (?<what>.+?)(?: from (?:my|the) (?:todo )?list)?$/],
    [
      'add',
      /^(?:add|remind me to|remember to|don't (?:let me )?forget to)(?: to (?:my|the) (?:todo )?list)?:? (?<what>.+)$/,
    ],
    ['add', /^put (?<what>.+ on (?:my|the) (?:todo )?list\b.*)$/],
    ['add', /^(?:i (?:need|have) to )?(?<what>buy .+)$/],
  ],
  sv: [
    [
      'list',
      /^(?:vad har jag att göra|vad (?:ska|måste) jag göra|vad (?:står|finns|har jag) på (?:min lista|listan)|visa (?:min lista|listan|mina uppgifter)|vad (?:har jag|är|finns) kvar(?: att göra| på (?:min lista|listan))?|min lista|mina uppgifter)(?<what> .*)?$/,
    ],
    ['complete', /^(?:(?:jag är )?(?:klar|färdig) med|jag har gjort|bocka av) (?<what>.+)$/],
    ['complete', /^markera (?<what>.+?) som (?:klar|klart|klara|färdig|färdigt|färdiga|gjord|gjort)$/],
    ['complete', /^(?!vad\b)(?<what>.+) är (?:klar|klart|klara|färdig|färdigt|färdiga|gjort)$/],
    ['delete', /^(?:ta bort|radera|stryk) (?<what>.+?)(?: från (?:min lista|listan))?$/],
    [
      'add',
      /^(?:lägga? till|skriva? upp|påminn mig (?:om )?att|kom ihåg att|glöm inte (?:bort )?att)(?: på (?:min lista|listan))?:? (?<what>.+)$/,
    ],
    ['add', /^(?:lägg(?: in)?|sätt(?: upp)?|skriv) (?<what>.+ på (?:min lista|listan)\b.*)$/],
    ['add', /^(?:jag (?:måste|behöver) (?=köpa ))?(?<what>köpa? .+)$/],
  ],
};

/** Said around what is meant, and not part of it. */
const onTheList = /\s+(?:to|on) (?:my|the) (?:todo )?list\b|\s+(?:på|i) (?:min lista|listan)\b/i;
const articles = /^(?:the|my|a|an|min|mitt|mina|den|det)\s+/i;
const kind = /^(?:an? |the |en |ny |new )*(?:item|task|todo|uppgift|sak):\s*|\s+(?:item|task|todo|uppgiften)$/i;
const please = /^(?:(?:can|could|would|will) you (?:please )?|please |kan du |snälla )/i;

/** What names no item: "it", "everything", "the last one", "a new task", "2", "my account". */
const vague =
  /^(?:(?:all|the|my|an?|one|another|first|second|third|last|next|latest|oldest|other|done|completed|finished|old|new|whole|of|it'?s|alla|den|det|de|min|mina|en|ny|första|sista|klara|hela) )*(?:(?:number|nr|item|task)? ?#?\d+|it|this|that|them|these|those|one|all|everything|anything|something|nothing|who|who'?s|items?|tasks?|todos?|things?|list|account|profile|data|history|chat|conversation|allt|alla|alltihop|något|någonting|inget|ingenting|det|den|detta|dem|dessa|uppgift(?:en|er|erna)?|sak(?:en|er|erna)?|listan?|konto(?:t)?)$/i;

/** A day before what it is about. It is put behind it, where a day is looked for, with "by" to part it from another one. */
const dayFirst = {
  en: /^(remind me) (?:on )?(to(?:day|night|morrow)|(?:next )?\p{L}+day) (to) (.+)$/iu,
  sv: /^(påminn mig) (?:på )?(i ?(?:dag|morgon|övermorgon)|\p{L}+dag) ((?:om )?att) (.+)$/iu,
};

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const said = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/(?<=\p{L})[’‘´`](?=\p{L})/gu, "'");
  const sentence = said
    .replace(/(?<![.!?])[.!?]+$/, '')
    .replace(please, '')
    .replace(/,? (?:please|tack)$/i, '')
    .replace(dayFirst.en, '$1 $3 $4 by $2')
    .replace(dayFirst.sv, '$1 $3 $4 till $2');
  const asks = said.endsWith('?') && !please.test(said);
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(sentence);
      if (found === null) continue;
      const what = (found.groups?.what ?? '').replace(onTheList, '').trim();
      // "Milk is done?" asks; to do it would be to guess.
      return verb !== 'list' && (asks || vague.test(what)) ? undefined : { language, verb, what };
    }
  }
  return undefined;
}

/** A title as it may be on the list, in what a user calls an item: "the dentist item". */
function nameIn(what: string): string {
  return what.replace(articles, '').replace(kind, '');
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  const { language, verb, what } = command;
  const whole = what.replace(kind, '');
  const { day, rest } = readDay(whole, now, language);
  if (verb === 'list') {
    // More words than a day narrow the list in a way that is not understood.
    return rest === '' ? { tool: 'todo_list', input: day === null ? {} : { due_to: day } } : undefined;
  }
  if (rest === '' || vague.test(rest)) return undefined;
  // "I finished the report today" says when it was done, not when it was due.
  const isDue = day !== null && !(verb === 'complete' && day === toDay(now));
  const named =
    verb === 'add' ? { title: rest } : { title: nameIn(rest), ...(day !== null && { full_title: nameIn(whole) }) };
  return { tool: `todo_${verb}`, input: { ...named, ...(isDue && { due_on: day }) } };
}
