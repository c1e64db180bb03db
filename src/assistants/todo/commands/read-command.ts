import { DAY_MS, toDay } from '../../../base/days.ts';
import { type Language, type PlainCall, type PlainText, withoutGreetings, withoutThanks } from '../../../kit/index.ts';
import { namesNone } from './names-none.ts';
import { readDay } from './read-day.ts';
import { readPriority } from './read-priority.ts';

/** What a sentence asks for. */
export interface Command {
  readonly language: Language;
  readonly verb: 'add' | 'list' | 'complete' | 'reopen' | 'move' | 'delete';
  /** What it is about, as the user said it. */
  readonly what: string;
  /** Said of what the user did: "on Friday" is then when it was done. */
  readonly isPast: boolean;
  /** A day or a time that was said before what it is about. */
  readonly due: string | undefined;
}

type Rule = readonly [Command['verb'], RegExp];

/** Before "… is done": it is asked, hoped or waited for, and not told. */
const notToldDone = {
  en: [
    '(?:what|which|who|no|neither|either|remind)\\b',
    '.*\\b(?:when|if|once|after|before|until|till|unless|while|whether|sure|hopefully|i (?:hope|think|guess|wish))\\b',
  ].join('|'),
  // Not any "om": an essay may be about something.
  sv: [
    '(?:vad|vilken|vilket|vilka|vem|ingen|inga|inget|halva|om) ',
    '(?:.* )?(?:när|ifall|innan|efter|tills|medan|kanske|jag (?:hoppas|tror)|(?:säg(?: till)?|vet(?: du)?|undrar|kolla|fråga) om) ',
  ].join('|'),
} as const;

/**
 * Each in full: a sentence that only begins like a command may ask for anything. "Todo" is written out, for a copy of this folder
 * to be told of its own name instead.
 */
const rules: Readonly<Record<Language, readonly Rule[]>> = {
  en: [
    [
      'list',
      /^(?:what(?:'?s| is) (?:on|in) my (?:todo |to-do )?list|what (?:do i have to|do i need to|should i) do|what(?:'?s| is) due|(?:show|list)(?: me)? (?:(?:my|the) )?(?:todo |to-do )?(?:list|items|todos|to-dos|tasks)|what are my (?:todos|to-dos|tasks)|what(?:'?s| is) left(?: to do| on (?:my|the) (?:todo |to-do )?list)?|(?:my )?(?:(?:todo |to-do )?list|todos|to-dos|tasks))(?<what> .*)?$/,
    ],
    [
      'complete',
      /^(?:(?:i'?m |i am )?(?:done|finished) with|complete|check off|tick off|cross off|done:) (?<what>.+)$/,
    ],
    [
      'complete',
      /^(?<past>i(?:'ve| have) (?:done|finished|completed)(?: with)?|(?:i )?finished|i completed) (?<what>.+)$/,
    ],
    ['reopen', /^(?:reopen|uncheck|untick) (?<what>.+)$/],
    ['move', /^(?:move|reschedule|postpone|push) (?<what>.+ (?:to|until|till) .+)$/],
    ['reopen', /^mark (?<what>.+?) (?:as )?(?:not (?:yet )?(?:done|completed?|finished)|undone|incomplete)$/],
    ['complete', /^mark (?<what>.+?) (?:as )?(?:done|completed?|finished)$/],
    ['delete', /^(?:delete|remove) (?<what>.+?)(?: (?:from|off) (?:my|the) (?:todo |to-do )?list)?$/],
    ['delete', /^take (?<what>.+?) off (?:my|the) (?:todo |to-do )?list$/],
    [
      'add',
      /^(?:add|remind me to|remember to|don't (?:let me )?forget to)(?: to (?:my|the) (?:todo |to-do )?list)?:? (?<what>.+)$/,
    ],
    ['add', /^put (?<what>.+ on (?:my|the) (?:todo |to-do )?list\b.*)$/],
    // After what may be added: "remind me to call when dinner is done".
    ['complete', new RegExp(`^(?!${notToldDone.en})(?<what>.+) (?:is|are) (?:done|finished)$`)],
    ['add', /^(?:new )?(?:todo|to-do|task): ?(?<what>.+)$/],
    ['add', /^(?:i (?:need|have) to )?(?<what>buy .+)$/],
  ],
  sv: [
    [
      'list',
      /^(?:vad har jag att göra|vad (?:ska|måste) jag göra|vad (?:står|finns|har jag) på (?:min lista|listan)|visa (?:min lista|listan|mina uppgifter)|vad (?:har jag|är|finns) kvar(?: att göra| på (?:min lista|listan))?|min lista|mina uppgifter)(?<what> .*)?$/,
    ],
    [
      'complete',
      /^(?:(?:jag (?:är|blev) )?(?:klar|färdig) med(?: att)?|jag har gjort(?: klart)?|bocka av) (?<what>.+)$/,
    ],
    ['move', /^(?:flytta|skjut upp) (?<what>.+ till .+)$/],
    ['reopen', /^markera (?<what>.+?) som (?:inte|ej) (?:klar|klart|klara|färdig|färdigt|färdiga|gjord|gjort)$/],
    ['complete', /^markera (?<what>.+?) som (?:klar|klart|klara|färdig|färdigt|färdiga|gjord|gjort)$/],
    ['delete', /^(?:ta bort|radera|stryk) (?<what>.+?)(?: från (?:min lista|listan))?$/],
    [
      'add',
      /^(?:lägga? (?:också |även )?till|skriva? upp|påminna? mig (?:om )?att|kom ihåg att|glöm inte (?:bort )?att)(?: (?:på|i|till) (?:min lista|listan))?:? (?<what>.+)$/,
    ],
    ['add', /^ny uppgift: ?(?<what>.+)$/],
    ['add', /^(?:lägg(?: in)?|sätt(?: upp)?|skriv) (?<what>.+ på (?:min lista|listan)\b.*)$/],
    ['complete', new RegExp(`^(?!${notToldDone.sv})(?<what>.+) är (?:klar|klart|klara|färdig|färdigt|färdiga|gjort)$`)],
    ['add', /^(?:jag (?:måste|behöver) )?(?<what>köpa? .+)$/],
  ],
};

/** When something was done, behind what was: not when it was due, as "for today" is. */
const WHEN_DONE =
  /(?<!\s(?:for|by|due|from|för|till|senast|från))\s+(?:today|yesterday|this morning|last (?:night|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|i ?(?:dag|går|förrgår|morse|kväll|(?:mån|tis|ons|tors|fre|lör|sön)dags))$/i;
const ON_THAT_DAY = /\s+on (?:mon|tues|wednes|thurs|fri|satur|sun)day$/i;

/** Said around what is meant, and not part of it. */
const ON_THE_LIST =
  /(?:^|\s+)(?:(?:to|on) (?:my|the) (?:todo |to-do )?list\b(?! of\b)|(?:på|i|till) (?:min lista|listan)\b(?! (?:med|över) )):?/i;
const ARTICLES = /^(?:the|my|a|an|min|mitt|mina|den|det)\s+/i;
const KIND = /^(?:an? |the |en |ny |new )*(?:item|task|todo|uppgift|sak):\s*|\s+(?:item|task|todo|uppgiften)$/i;
const PLEASE = /^(?:(?:can|could|would|will) you (?:please )?|please |kan du (?:snälla )?|snälla (?:kan du )?)/i;

const WEEKDAY = '(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mån|tis|ons|tors|fre|lör|sön)dag)';

/** When to be reminded, as it is said before of what. Nothing else: "remind me at the station to call" has no time. */
const times = [
  'to(?:day|night|morrow)(?: (?:morning|afternoon|evening))?',
  'i ?(?:dag|kväll|morgon|övermorgon)',
  'this (?:afternoon|evening)',
  'in the (?:morning|evening)',
  `(?:(?:on|på|next|nästa) )?${WEEKDAY}(?: (?:morning|afternoon|evening))?`,
  // "On the 3rd", "on 3 December", "den 3:e".
  '(?:on|den) (?:the )?\\d{1,2}(?:st|nd|rd|th|:[ae])?(?: \\p{L}+)?',
  'on payday|på lönedagen',
  'at noon',
  'at \\d{1,2}(?:[:.]\\d\\d)?(?: ?[ap]m)?',
  'kl\\.? ?\\d{1,2}(?:[:.]\\d\\d)?',
  'in \\S+ (?:minute|hour|day|week|month)s?',
  'om \\S+ (?:minut(?:er)?|timm(?:e|ar)|dag(?:ar)?|veck(?:a|or)|månad(?:er)?)',
  'next (?:week|month)|nästa (?:vecka|månad)',
  `(?:every|varje) (?:day|week|month|dag|vecka|månad|${WEEKDAY})`,
].join('|');

/** A time before what it is about, which may name another one: "remind me tomorrow to order cake for Friday". */
const dayFirst = new RegExp(
  `(?<=^(?:remind me|påminna? mig) )(?<due>(?:${times})(?: (?:${times}))?) (?=(?:to(?! \\d)|(?:om )?att) )`,
  'iu',
);

/** Between two sentences, each of which may be a command. */
const BETWEEN_SENTENCES = /[\r\n]+|(?<=[.!?;]) +(?:then |sen )?|,? (?:and|och) (?=(?:remind|påminn) )/i;

/** The command that a sentence is; undefined when it is none that a rule knows. */
export function readCommand(text: string): Command | undefined {
  const greeted = withoutGreetings(text.trim());
  const [, ...others] = greeted.split(BETWEEN_SENTENCES);
  // One of several would be done, or all of them be one title.
  if (others.some((other) => readCommand(other) !== undefined)) return undefined;
  const said = greeted.replace(/\s+/g, ' ').replace(/(?<=\p{L})[’‘´`](?=\p{L})/gu, "'");
  const polite = withoutThanks(said.replace(PLEASE, ''));
  const sentence = polite.replace(dayFirst, '');
  const due = dayFirst.exec(polite)?.groups?.due;
  const asks = said.endsWith('?') && !PLEASE.test(said);
  for (const language of ['en', 'sv'] as const) {
    for (const [verb, pattern] of rules[language]) {
      const found = new RegExp(pattern, 'iu').exec(sentence);
      if (found === null) continue;
      const what = (found.groups?.what ?? '').replace(ON_THE_LIST, '').trim();
      // "Milk is done?" asks; to do it would be to guess.
      if (verb !== 'list' && (asks || namesNone(what))) return undefined;
      return { language, verb, what, due, isPast: found.groups?.past !== undefined };
    }
  }
  return undefined;
}

/** A title as it may be on the list, in what a user calls an item: "the dentist item". */
function nameIn(what: string): string {
  return what.replace(ARTICLES, '').replace(KIND, '');
}

/** The item that a sentence completes or deletes, as the tools take it; undefined when it names none. */
function readMeant({ language, verb, what, isPast }: Command, now: Date): PlainCall['input'] | undefined {
  const whole = what.replace(KIND, '');
  const before =
    verb === 'complete' ? whole.replace(isPast ? ON_THAT_DAY : WHEN_DONE, '').replace(WHEN_DONE, '') : whole;
  const { day, rest } = before === whole ? readDay(whole, now, language) : { day: null, rest: before };
  if (namesNone(rest)) return undefined;
  // "Done with the report on Friday", said on a Friday, may be of when it was done.
  const isDue = day !== null && !(verb === 'complete' && day === toDay(now));
  return {
    title: nameIn(rest),
    ...(rest !== whole && { full_title: nameIn(whole) }),
    ...(isDue && { due_on: day }),
    ...(language === 'sv' && { language }),
  };
}

/** A week, or the end of one, that a list is asked for, by how many days after this Sunday it ends. */
const weeks: readonly (readonly [RegExp, number])[] = [
  [/^(?:(?:for|due|in|on) )?(?:this week|(?:this|the) weekend)$/i, 0],
  [/^(?:i|den här) (?:veckan|helgen)$|^(?:den här|denna) (?:vecka|helg)$/i, 0],
  [/^(?:(?:for|due|in|on) )?next week(?:end)?$|^nästa (?:vecka|helg)$/i, 7],
];

function readList({ what, language }: Command, now: Date): PlainCall | undefined {
  const [, daysMore] = weeks.find(([pattern]) => pattern.test(what)) ?? [];
  if (daysMore !== undefined) {
    const daysToSunday = (7 - now.getUTCDay()) % 7;
    const sunday = toDay(new Date(now.getTime() + (daysToSunday + daysMore) * DAY_MS));
    return { tool: 'todo_list', input: { due_to: sunday } };
  }
  const { day, rest } = readDay(what, now, language);
  // More words than a day narrow the list in a way that is not understood.
  return rest === '' ? { tool: 'todo_list', input: day === null ? {} : { due_to: day } } : undefined;
}

function readNew({ what, due, language }: Command, now: Date): PlainCall | undefined {
  const { rest: whole, priority: last } = readPriority(what.replace(KIND, ''));
  const found = readDay(due ?? whole, now, language);
  // Of a time that is no day, the words stay: "pay rent on payday".
  const { rest: title, priority = last } = readPriority(
    due === undefined ? found.rest : `${whole} ${found.rest}`.trim(),
  );
  if (namesNone(title)) return undefined;
  const { day } = found;
  return { tool: 'todo_add', input: { title, ...(day !== null && { due_on: day }), ...(priority && { priority }) } };
}

/** Another day for an item: "the report to Friday". Boxes are moved to a place. */
function readMoved({ what, language }: Command, now: Date): PlainCall | undefined {
  const [, title = '', to = ''] = /^(.+) (?:to|until|till) (.+)$/i.exec(what) ?? [];
  const { day, rest } = readDay(to, now, language);
  if (day === null || rest !== '' || namesNone(title)) return undefined;
  return { tool: 'todo_update', input: { title: nameIn(title), due_on: day } };
}

/** The tool call that a sentence asks for. */
export function readCall({ text, now }: PlainText): PlainCall | undefined {
  const command = readCommand(text);
  if (command === undefined) return undefined;
  if (command.verb === 'list') return readList(command, now);
  if (command.verb === 'add') return readNew(command, now);
  if (command.verb === 'move') return readMoved(command, now);
  // A day is part of the name here: the tool that changes an item takes a day for a new one.
  if (command.verb === 'reopen') return { tool: 'todo_update', input: { title: nameIn(command.what), done: false } };
  const input = readMeant(command, now);
  return input && { tool: `todo_${command.verb}`, input };
}
