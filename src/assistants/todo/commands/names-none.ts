const wordsOf = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.join(' ').split(' '));

/** Words that say which one of those that were talked about: only who heard that knows which it is. */
const pointers = wordsOf(
  "all the my our your a an one two three another both this that these those it its it's of whole",
  'every each any some many most much more few several couple',
  'first second third last next previous top bottom latest oldest newest other',
  "done completed finished overdue old new todays today's tomorrows tomorrow's",
  'alla den det de min mitt mina din ditt dina vår vårt våra en hela två tre båda varje vissa några flera mer',
  'första andra tredje sista senaste nästa översta nedersta klara gamla ny nya dagens morgondagens',
);

/** What such words may stand before, and what is no item alone either. */
const others = wordsOf(
  "i we you he she they them who whos who's which none half lot lots little enough plenty",
  'everything anything something nothing everyone everybody someone somebody nobody',
  'item items task tasks todo todos thing things one ones stuff list account profile data history chat conversation',
  'day week month year for up early here already wrong well back',
  'jag vi du ni hon han vem dem detta dessa vilken ingen inget ingenting något någonting allt alltihop',
  'mesta flesta mycket lite nog hälften uppgift uppgiften uppgifter uppgifterna sak saken saker sakerna',
  'lista listan konto kontot dagen veckan månaden året här där fel tillbaka',
);

const NUMBER = /^#?\d+$/;
const ONLY_MARKS = /^[\p{P}\s]*$/u;

/** "Item 2", "en sak till", and what asks which are meant. */
const NUMBERED_OR_ASKED =
  /^(?:(?:number|nr|nummer|punkt|item|task) ?#?\d+|sak till|what(?:'?s| is) (?:done|finished|left))$/;

/** Whether what was said names no item: "it", "everything", "the last one", "both", "a new task", "2", "my account". */
export function namesNone(said: string): boolean {
  if (ONLY_MARKS.test(said)) return true;
  const words = said.toLowerCase().split(' ');
  const named = words.findIndex((word) => !pointers.has(word) && !NUMBER.test(word));
  if (named === -1) return true;
  const rest = words.slice(named).join(' ');
  return others.has(rest) || NUMBERED_OR_ASKED.test(rest);
}
