import type { PlainCall, PlainText } from '../../../kit/index.ts';
import { type Language, readDay, toDay } from './read-day.ts';

/** What a sentence asks for. */
export interface Command {
  readonly language: Language;
  readonly verb: 'add' | 'list' | 'complete' | 'delete';
  /** What it is about, as the user said it. */
  readonly what: string;
  /** Said of what the user did: "on Friday" is then when it was done. */
  readonly isPast: boolean;
  /** A day that was said before what it is about. */
  readonly due: string | undefined;
}

type Rule = readonly [Command['verb'], RegExp];

/** Each in full: a sentence that only begins like a command may ask for anything. */
const rules: Readonly<Record<Language, readonly Rule[]>> = {
  en: [
    [
      'list',
      /^(?:what(?:'?s| is) (?:on|in) my (?:to-?do )?list|what (?:do i have to|do i need to|should i) do|what(?:'?s| is) due|(?:show|list)(?: me)? (?:(?:my|the) )?(?:to-?do )?(?:list|items|to-?dos|tasks)|what are my (?:to-?dos|tasks)|what(?:'?s| is) left(?: to do| on (?:my|the) (?:to-?do )?list)?|(?:my )?(?:(?:to-?do )?list|to-?dos|tasks))(?<what> .*)?$/,
    ],
    ['complete', /^(?:(?:i'?m |i am )?(?:done|finished) with|complete|check off|tick off|done:) (?<what>.+)$/],
    ['complete', /^(?<past>i(?:'ve| have) (?:done|finished)|(?:i )?finished) (?<what>.+)$/],
    ['complete', /^mark (?<what>.+?) (?:as )?(?:done|complete|completed)$/],
    ['delete', /^(?:delete|remove) (?<what>.+?)(?: from (?:my|the) (?:to-?do )?list)?$/],
    [
      'add',
      /^(?:add|remind me to|remember to|don't (?:let me )?forget to)(?: to (?:my|the) (?:to-?do )?list)?:? (?<what>.+)$/,
    ],
    ['add', /^put (?<what>.+ on (?:my|the) (?:to-?do )?list\b.*)$/],
    // After what may be added: "remind me to call when dinner is done".
    ['complete', /^(?!what\b)(?<what>.+) (?:is|are) (?:done|finished)$/],
    ['add', /^(?:new )?(?:to-?do|task): ?(?<what>.+)$/],
    ['add', /^(?:i (?:need|have) to )?(?<what>buy .+)$/],
  ],
  sv: [
    [
      'list',
      /^(?:vad har jag att göra|vad (?:ska|måste) jag göra|vad (?:står|finns|har jag) på (?:min lista|listan)|visa (?:min lista|listan|mina uppgifter)|vad (?:har jag|är|finns) kvar(?: att göra| på (?:min lista|listan))?|min lista|mina uppgifter)(?<what> .*)?$/,
    ],
    ['complete', /^(?:(?:jag (?:är|blev) )?(?:klar|färdig) med|jag har gjort|bocka av) (?<what>.+)$/],
    ['complete', /^markera (?<what>.+?) som (?:klar|klart|klara|färdig|färdigt|färdiga|gjord|gjort)$/],
    ['delete', /^(?:ta bort|radera|stryk) (?<what>.+?)(?: från (?:min lista|listan))?$/],
    [
      'add',
      /^(?:lägga? till|skriva? upp|påminn mig (?:om )?att|kom ihåg att|glöm inte (?:bort )?att)(?: på (?:min lista|listan))?:? (?<what>.+)$/,
    ],
    ['add', /^ny uppgift: ?(?<what>.+)$/],
    ['add', /^(?:lägg(?: in)?|sätt(?: upp)?|skriv) (?<what>.+ på (?:min lista|listan)\b.*)$/],
    ['complete', /^(?!vad\b)(?<what>.+) är (?:klar|klart|klara|färdig|färdigt|färdiga|gjort)$/],
    ['add', /^(?:jag (?:måste|behöver) (?=köpa ))?(?<what>köpa? .+)$/],
  ],
};

/** When something was done, behind what was: not when it was due, as "for today" is. */
const whenDone =
  /(?<!\s(?:for|by|due|from|till|senast|från))\s+(?:today|yesterday|this morning|last (?:night|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|i ?(?:dag|går|förrgår|morse|kväll|(?:mån|tis|ons|tors|fre|lör|sön)dags))$/i;
const onThatDay = /\s+on (?:mon|tues|wednes|thurs|fri|satur|sun)day$/i;

/** Said around what is meant, and not part of it. */
const onTheList = /\s+(?:to|on) (?:my|the) (?:to-?do )?list\b|\s+(?:på|i) (?:min lista|listan)\b/i;
const articles = /^(?:the|my|a|an|min|mitt|mina|den|det)\s+/i;
const kind = /^(?:an? |the |en |ny |new )*(?:item|task|todo|uppgift|sak):\s*|\s+(?:item|task|todo|uppgiften)$/i;
const please = /^(?:(?:can|could|would|will) you (?:please )?|please |kan du |snälla )/i;

/** What names no item: "it", "everything", "the last one", "a new task", "2", "my account". */
const vague =
  /^(?:(?:all|the|my|an?|one|another|first|second|third|last|next|latest|oldest|other|done|completed|finished|old|new|whole|of|it'?s|alla|den|det|de|min|mina|en|ny|första|sista|klara|hela) )*(?:(?:number|nr|item|task)? ?#?\d+|it|this|that|them|these|those|one|all|everything|anything|something|nothing|who|who'?s|i|we|you|they|jag|vi|du|ni|what(?:'?s| is) (?:done|finished|left)|items?|tasks?|todos?|things?|list|account|profile|data|history|chat|conversation|allt|alla|alltihop|något|någonting|inget|ingenting|det|den|detta|dem|dessa|uppgift(?:en|er|erna)?|sak(?:en|er|erna)?|listan?|konto(?:t)?)$/i;

/** A day before what it is about, which may name another one: "remind me tomorrow to order cake for Friday". */
const dayFirst =
  /(?<=^(?:remind me|påminn mig) )(?:on |på )?(?<due>to(?:day|night|morrow)|(?:next )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|i ?(?:dag|morgon|övermorgon)|(?:mån|tis|ons|tors|fre|lör|sön)dag) (?=(?:to|(?:om )?att) )/i;

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const [, ...others] = text.trim().split(/[\r\n]+/);
  // One of several would be done, or all of them be one title.
  if (others.some((line) => readCommand(line) !== undefined)) return undefined;
  const said = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/(?<=\p{L})[’‘´`](?=\p{L})/gu, "'");
  const polite = said
    .replace(/(?<![.!?])[.!?]+$/, '')
    .replace(please, '')
    .replace(/,? (?:please|tack)$/i, '');
  const sentence = polite.replace(dayFirst, '');
  const due = dayFirst.exec(polite)?.groups?.due;
  const asks = said.endsWith('?') && !please.test(said);
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(sentence);
      if (found === null) continue;
      const what = (found.groups?.what ?? '').replace(onTheList, '').trim();
      // "Milk is done?" asks; to do it would be to guess.
      if (verb !== 'list' && (asks || vague.test(what))) return undefined;
      return { language, verb, what, due, isPast: found.groups?.past !== undefined };
    }
  }
  return undefined;
}

/** A title as it may be on the list, in what a user calls an item: "the dentist item". */
function nameIn(what: string): string {
  return what.replace(articles, '').replace(kind, '');
}

/** The item that a sentence completes or deletes, as the tools take it; undefined when it names none. */
function readMeant({ language, verb, what, isPast }: Command, now: Date): PlainCall['input'] | undefined {
  const whole = what.replace(kind, '');
  const before = verb === 'complete' ? whole.replace(isPast ? onThatDay : whenDone, '').replace(whenDone, '') : whole;
  const { day, rest } = before === whole ? readDay(whole, now, language) : { day: null, rest: before };
  if (rest === '' || vague.test(rest)) return undefined;
  // "Done with the report on Friday", said on a Friday, may be of when it was done.
  const isDue = day !== null && !(verb === 'complete' && day === toDay(now));
  return {
    title: nameIn(rest),
    ...(rest !== whole && { full_title: nameIn(whole) }),
    ...(isDue && { due_on: day }),
    ...(language === 'sv' && { language }),
  };
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  const { language, verb, what, due } = command;
  if (verb === 'complete' || verb === 'delete') {
    const input = readMeant(command, now);
    return input && { tool: `todo_${verb}`, input };
  }
  const whole = what.replace(kind, '');
  const { day, rest } =
    due === undefined ? readDay(whole, now, language) : { ...readDay(due, now, language), rest: whole };
  if (verb === 'list') {
    // More words than a day narrow the list in a way that is not understood.
    return rest === '' ? { tool: 'todo_list', input: day === null ? {} : { due_to: day } } : undefined;
  }
  if (rest === '' || vague.test(rest)) return undefined;
  return { tool: 'todo_add', input: { title: rest, ...(day !== null && { due_on: day }) } };
}
